"""The plan of a run."""

import hashlib
import io
import os
import time
from concurrent.futures import wait
from pathlib import Path
from typing import IO

from app.agent.client import Document, insist
from app.agent.directory import RunDirectory
from app.agent.jobs import LOCK_FILE_BYTES, PLAN, PREPARE_SECONDS, Failed, Job, Kept
from app.agent.plan_json import BadPlan, Summary, redact
from app.agent.policies import Evaluator
from app.agent.states import digest
from app.agent.terraform import Stopped, Terraform
from app.agent.versions import Program

GENERATED = "out/generated.tf"
# How long the directory of a planned run stays for its apply.
KEPT_SECONDS = 15 * 60
# How long a finished plan is offered to a service that is away. Its lease has ended by then.
PUT_SECONDS = 60.0


class PlanJob(Job):
    """Plans a run, and hands over what its apply and its readers need."""

    phase = "plan"

    def work(self) -> Document:
        """Do it: what the service is told of it."""
        document = self.document
        directory = self.directory = self.new_directory()
        beside = self.tools.pool
        program = self.tools.versions.find(
            str(document["tool"]), str(document["version"]), lambda: self.control.stopped
        )
        # Whoever waits sees at once that it begins.
        log = self.begin_log(program)
        answer = insist(self.client.start, seconds=PREPARE_SECONDS)
        self.started = True
        fetched = beside.submit(self.unpack, directory)
        state = beside.submit(self.fetch_state, directory)
        variables = self.variables(answer)
        fetched.result()
        state.result()
        terraform, var_file = self.prepare(directory, program, variables, answer)
        self.init(terraform, log)
        arguments = ["plan", "-input=false", f"-out={directory.inside.work}/{PLAN}", *var_file, *self._options()]
        if document["json-log"]:
            arguments.append("-json")
        status = terraform.run(arguments, log.write)
        if self.control.stopped:
            raise Stopped
        if status:
            raise Failed
        return self._examine(terraform, directory, program)

    def _options(self) -> list[str]:
        run = self.document["run"]
        options = [f"-target={address}" for address in run.get("target-addrs") or ()]
        options += [f"-replace={address}" for address in run.get("replace-addrs") or ()]
        if run["is-destroy"]:
            options.append("-destroy")
        if run["refresh-only"]:
            options.append("-refresh-only")
        if not run["refresh"]:
            options.append("-refresh=false")
        if run.get("allow-config-generation"):
            assert self.directory is not None
            options.append(f"-generate-config-out={self.directory.inside.work}/{GENERATED}")
        return options

    def _examine(self, terraform: Terraform, directory: RunDirectory, program: Program) -> Document:
        """Hand over the plan, its JSON and the lock file; the figures of the plan."""
        beside = self.tools.pool
        plan = directory.open(PLAN)
        if plan is None:
            raise Failed("Terraform has left no plan.")
        lock = directory.read(directory.lock_file, LOCK_FILE_BYTES)
        shown, redacted = (directory.root / f"{name}.json" for name in ("shown", "redacted"))
        with plan:
            digests = digest(plan), hashlib.sha256(lock or b"").hexdigest()
            uploads = [beside.submit(self._put, "plan", plan)]
            if lock is not None:
                uploads.append(beside.submit(self._put, "lock-file", io.BytesIO(lock)))
            try:
                of_schemas = beside.submit(self._schemas, terraform, program, lock)
                self._capture(terraform, ["show", "-json", f"{directory.inside.work}/{PLAN}"], shown)
                uploads.append(beside.submit(self._put_file, "plan-json", shown))
                summary = self._redact(shown, of_schemas.result(), redacted)
                self._put_file("plan-json-redacted", redacted)
            finally:
                wait(uploads)
            for upload in uploads:
                upload.result()
        self._check_policies(shown, directory)
        run = self.document["run"]
        if not run["plan-only"] and (summary.has_changes or run.get("allow-empty-apply")):
            for path in (shown, redacted):
                path.unlink()
            self.keep = Kept(directory, program, self.slot, digests, time.monotonic() + KEPT_SECONDS)
        return {
            "has-changes": summary.has_changes,
            "additions": summary.additions,
            "changes": summary.changes,
            "destructions": summary.destructions,
            "imports": summary.imports,
            "generated-configuration": summary.generated,
            "terraform-version": program.version,
        }

    def _check_policies(self, shown: Path, directory: RunDirectory) -> None:
        """Evaluate the policies that count for the run, and tell the service what they say."""
        asked = insist(self.client.policies, seconds=PUT_SECONDS)
        sets = asked.get("sets") or []
        if not sets:
            return
        parameters = [each for policy_set in sets for each in policy_set["parameters"]]
        self.mask.add(str(each["value"]) for each in parameters if each["sensitive"])
        evaluator = Evaluator(self.tools.settings, self.tools.sandbox, self.control)
        told = evaluator.evaluate(asked, shown, directory.root / "policies", self.mask.text)
        if self.control.stopped:
            raise Stopped
        insist(lambda: self.client.policy_outcomes(told), seconds=PUT_SECONDS)

    def _schemas(self, terraform: Terraform, program: Program, lock: bytes | None) -> Path:
        """The schemas of the providers: they are the same as long as tool and lock file are.

        They are kept for each workspace by itself, since a provider of one must not tell another one anything. Without
        a lock file there are only the providers that are built in.
        """
        whose = str(self.document["workspace"]["id"]) if lock else ""
        key = hashlib.sha256(f"{program.path} {program.version} {whose} ".encode() + (lock or b"")).hexdigest()
        return self.tools.schemas.get(
            key, lambda path: self._capture(terraform, ["providers", "schema", "-json"], path)
        )

    def _redact(self, shown: Path, schemas: Path, redacted: Path) -> Summary:
        refresh_only = bool(self.document["run"]["refresh-only"])
        with shown.open("rb") as plan, schemas.open("rb") as known, redacted.open("wb") as target:
            try:
                return redact(plan, known, target, refresh_only=refresh_only, mask=self.mask.text)
            except BadPlan as error:
                raise Failed("The plan can't be read: Terraform has shown something that is no JSON.") from error

    def _capture(self, terraform: Terraform, arguments: list[str], target: Path) -> None:
        with target.open("wb") as file:
            status, errors = terraform.capture(arguments, file)
        if self.control.stopped:
            raise Stopped
        if status:
            raise Failed(f"The plan can't be read ({' '.join(arguments[:2])}): {errors.strip()[:2000]}")

    def _put_file(self, name: str, path: Path) -> None:
        with path.open("rb") as file:
            self._put(name, file)

    def _put(self, name: str, file: IO[bytes]) -> None:
        def attempt() -> None:
            length = file.seek(0, os.SEEK_END)
            file.seek(0)
            self.client.put(name, file, length)

        insist(attempt, seconds=PUT_SECONDS)
