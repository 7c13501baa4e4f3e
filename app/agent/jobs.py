"""What the plan and the apply of a run have in common: from the lease to the report."""

import contextlib
import logging
import tempfile
import time
from abc import ABC, abstractmethod
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from app.agent.caches import Caches, checks_cache
from app.agent.client import Client, Document, JobClient, JobLost, Refused, Unavailable, insist
from app.agent.directory import BadFile, RunDirectory
from app.agent.downloads import this_platform
from app.agent.hcl import declared_variables
from app.agent.log import Log
from app.agent.mask import Mask
from app.agent.sandbox import NoSandbox, Sandbox
from app.agent.schemas import Schemas
from app.agent.settings import MIB, Settings
from app.agent.states import digest
from app.agent.terraform import Control, Stopped, Terraform, cli_configuration, environment
from app.agent.unpack import BadConfiguration, unpack
from app.agent.variables import Variables, WrongVariable
from app.agent.versions import NoVersion, Program, Versions
from app.agent.watch import Watch

logger = logging.getLogger(__name__)

PLAN = "out/plan"
INIT_LOG_BYTES = 4 * MIB
LOCK_FILE_BYTES = 4 * MIB
STATE_BYTES = 1024 * MIB
# A failed call that prepares a job is tried again for so long: the lease ends, too.
PREPARE_SECONDS = 45.0
# So many planned runs wait here for their applies; an older one is unpacked anew.
KEPT_FOR_EACH_SLOT = 2


class Failed(Exception):
    """The job can't go on; the text is for the user. Without a text, Terraform has said everything."""


# What a user is told of; anything else is a fault of the agent.
FAILURES = (Failed, BadConfiguration, BadFile, NoVersion, WrongVariable)


@dataclass
class Kept:
    """A run that was planned here and may be applied here: it needs no init."""

    directory: RunDirectory
    program: Program
    slot: int
    digests: tuple[str, str]
    until: float


class Tools:
    """What all jobs of an agent share."""

    def __init__(self, settings: Settings, client: Client, sandbox: Sandbox, versions: Versions, home: Path) -> None:
        self.settings = settings
        self.client = client
        self.sandbox = sandbox
        self.versions = versions
        self.jobs = home / "jobs"
        self.caches = home / "caches"
        # The rest of the limit is for what a run has of its own.
        self.providers = Caches(self.caches, sandbox, settings.limits.disk // 2)
        self.schemas = Schemas(home / "schemas")
        # States that the service did not take, for its operator.
        self.lost_states = home / "lost-states"
        # By run, the oldest first.
        self.kept: dict[str, Kept] = {}
        # Short tasks beside Terraform: requests, and the second of two commands.
        self.pool = ThreadPoolExecutor(max_workers=4 * settings.slots, thread_name_prefix="beside")

    def keep(self, run_id: str, kept: Kept) -> None:
        """Keep the directory of a planned run for its apply, and remove the oldest if there are too many."""
        self.kept[run_id] = kept
        # Other threads take some out at the same time.
        for oldest in list(self.kept)[: -KEPT_FOR_EACH_SLOT * self.settings.slots]:
            if (dropped := self.kept.pop(oldest, None)) is not None:
                dropped.directory.remove()


class Job(ABC):
    """One job in one slot."""

    phase: str

    def __init__(self, tools: Tools, document: Document, slot: int) -> None:
        self.tools = tools
        self.document = document
        self.slot = slot
        self.id = str(document["id"])
        self.run_id = str(document["run"]["id"])
        self.client = JobClient(tools.client, self.id, int(document["fence"]))
        self.control = Control()
        self.mask = Mask([tools.settings.token])
        self.log: Log | None = None
        # The call that renews the lease, as long as it is under way.
        self.renewal: Future[None] | None = None
        # From here on an apply is never given up.
        self.started = False
        self.lost = False
        self.lease_seconds = float(document["lease-seconds"])
        self.lease_until = time.monotonic() + self.lease_seconds
        self.seconds = float(document["timeout-seconds"])
        self.keep: Kept | None = None
        self.log_base = int(document.get("log-length") or 0)
        self.directory: RunDirectory | None = None
        # The service does not have the last state, and may yet take it at the next start of the agent.
        self.state_missing = self.stays = False
        # What another agent must know, should this one be killed.
        self.notes: Document = {}

    @abstractmethod
    def work(self) -> Document:
        """Do it: what the service is told of it."""

    # -- asked by the agent's other threads

    def renew(self) -> None:
        """Renew the lease, and do what the service asks for."""
        try:
            answer = self.client.renew()
        except JobLost:
            self.lose()
        except (Unavailable, Refused) as error:
            logger.info("The lease of %s is not renewed: %s", self.id, error)
            if time.monotonic() > self.lease_until:
                self.lose()
        else:
            self.lease_until = time.monotonic() + float(answer.get("lease-seconds") or self.lease_seconds)
            self.obey(str(answer.get("signal")))

    def obey(self, signal: str) -> None:
        """Do what a signal asks for."""
        if signal == "interrupt":
            self.control.interrupt()
        elif signal == "kill":
            self.control.kill()

    def lose(self) -> None:
        """Somebody else may have the job now. What was begun to be applied goes on: its state counts."""
        if self.phase == "apply" and self.started:
            if not self.lost:
                logger.warning(
                    "The lease of %s is lost. Terraform goes on, and its state will be handed over.", self.id
                )
        else:
            self.control.kill("lost")
        self.lost = True

    # -- the job itself

    def execute(self) -> None:
        """Do it, whatever happens, and report it."""
        result: Document = {}
        try:
            with Watch(self.control, self.tools.settings.limits, self.seconds, self.find_used):
                result = self.work()
            outcome, error = "ok", None
        except Stopped:
            outcome, error = "canceled", None
        except FAILURES as failure:
            outcome, error = "failed", str(failure) or None
        except JobLost:
            self.lose()
            outcome, error = "failed", None
        except NoSandbox as failure:
            outcome, error = "failed", f"No sandbox can be made on the agent: {failure}."
        except (Unavailable, Refused) as failure:
            outcome, error = "failed", f"The agent could not exchange with the service what the run needs: {failure}"
        except Exception:
            logger.exception("The job %s failed", self.id)
            outcome, error = "failed", "The agent failed. Its operator finds the reason in its own log."
        if self.control.stopped:
            outcome, error = self._stopped(outcome, error)
        try:
            if self.started or self.lost or self._start_late(error):
                self._report(outcome, error, result)
        finally:
            self._clean_up()

    def _start_late(self, error: str | None) -> bool:
        """Start what could not be begun: the service takes the end of nothing else, and gives it out again."""
        try:
            self.obey(str(insist(self.client.start, seconds=PREPARE_SECONDS).get("signal")))
        except (JobLost, Refused, Unavailable) as failure:
            logger.warning("The end of %s (%s) is not taken: %s", self.id, error, failure)
            return False
        self.started = True
        if self.log is None and error is not None:
            with contextlib.suppress(OSError):
                self.begin_log(None)
        return True

    def _stopped(self, outcome: str, error: str | None) -> tuple[str, str | None]:
        reason = self.control.reason
        if outcome == "ok" and self.phase == "apply":
            return outcome, error
        if reason is None:
            return "canceled", None
        return "failed", reason

    def _report(self, outcome: str, error: str | None, result: Document) -> None:
        if error is not None:
            error = self.mask.text(error)
            if self.log is not None:
                self.log.say(f"\nError: {error}")
        result = {"outcome": outcome, "error": error, **result}
        if self.state_missing:
            result |= {"outcome": "failed", "state-missing": True}
        if self.notes:
            self.notes["result"] = result
            try:
                self.note()
            except OSError as failure:
                logger.error("The end of %s can't be noted: %s", self.id, failure)  # noqa: TRY400
        if self.log is not None:
            self.log.close()
        if self.lost and self.phase != "apply":
            self.keep = None
            return
        # The apply may come before the answer.
        if outcome == "ok" and self.keep is not None:
            self.tools.keep(self.run_id, self.keep)
        else:
            self.keep = None
        try:
            insist(lambda: self.client.finish(result), seconds=24 * 3600)
        except (JobLost, Refused) as refused:
            logger.warning("The end of %s is not taken: %s", self.id, refused)

    def _clean_up(self) -> None:
        if self.keep is None and self.directory is not None and not self.stays:
            self.directory.remove()

    def find_root(self) -> Path | None:
        """The directory, once there is one."""
        return self.directory.root if self.directory is not None else None

    def find_used(self) -> list[Path]:
        """The directories that count for the limit of the disk."""
        return [self.directory.root, self.directory.directories.cache] if self.directory is not None else []

    def open_cache(self) -> Path:
        """The providers that this slot has for the organization."""
        cache, removed = self.tools.providers.open(self.slot, str(self.document["organization"]))
        for kept in list(self.tools.kept.values()):
            if kept.directory.directories.cache in removed:
                # Its providers are gone.
                kept.until = 0.0
        return cache

    def new_directory(self) -> RunDirectory:
        """Make the directory of the job."""
        cache = self.open_cache()
        workspace = self.document["workspace"]
        directory = RunDirectory(
            # Another attempt at the job has another fence, and what is left of an earlier one is not in its way.
            self.tools.jobs / f"{self.id}-{self.document['fence']}",
            self.tools.sandbox,
            cache,
            str(workspace["name"]),
            str(workspace.get("working-directory") or ""),
        )
        directory.create()
        return directory

    def begin_log(self, program: Program | None) -> Log:
        """Begin the log, with the three lines by which the CLI knows it."""
        root = self.find_root()
        # Nobody else looks for the log of a job that has not even a directory.
        spool = (root or self.tools.jobs) / (f"log-{self.phase}" if root else f"{self.id}.log")
        log = Log(self.client, spool, self.mask, self.tools.settings.limits.log_bytes, self.log_base, self.lose)
        self.log = log
        if root is None:
            spool.unlink()
        if program is not None:
            # The CLI does not show the first three lines of an apply, whatever they are.
            log.say(f"{program.title} v{program.version}\non {this_platform()}\nInitializing plugins and modules...")
        return log

    def variables(self, answer: Document) -> Variables:
        """Take the variables from the answer, and hide what must not be shown."""
        variables = Variables(tuple(answer.get("variables") or ()))
        self.mask.add([*variables.secrets(), str(answer.get("token") or "")])
        self.obey(str(answer.get("signal")))
        return variables

    def unpack(self, directory: RunDirectory) -> None:
        """Unpack the configuration, if there is one."""
        limits = self.tools.settings.limits
        with tempfile.TemporaryFile(dir=directory.root) as packed:
            if not self.download("configuration", packed, limits.configuration_bytes):
                return
            packed.seek(0)
            unpack(
                packed,
                directory.configuration,
                most_bytes=limits.configuration_bytes,
                most_files=limits.configuration_files,
                own=self.tools.sandbox.own,
            )

    def fetch_state(self, directory: RunDirectory) -> str | None:
        """Write the state that the service has; its digest."""
        with directory.write(directory.state) as file:
            there = self.download("state", file, STATE_BYTES)
            known = digest(file) if there else None
        if not there:
            directory.remove_file(directory.state)
        return known

    def download(self, part: str, file: IO[bytes], most: int) -> bool:
        """Copy what the service has into a file, again and again if need be."""

        def attempt() -> bool:
            file.seek(0)
            file.truncate()
            return self.client.download(part, file, most)

        return insist(attempt, seconds=PREPARE_SECONDS)

    def prepare(
        self,
        directory: RunDirectory,
        program: Program,
        variables: Variables,
        answer: Document,
        *,
        applying: bool = False,
    ) -> tuple[Terraform, list[str]]:
        """Everything that Terraform is given beside the configuration; the arguments for its variables."""
        settings = self.tools.settings
        try:
            directory.check_working_directory()
        except FileNotFoundError:
            name = directory.working_directory
            raise Failed(
                f"The configuration has no directory {name}. Correct the working directory of the workspace."
            ) from None
        directory.write_override()
        chosen, refused = variables.environment()
        if self.log is not None and not applying:
            for name in refused:
                self.log.say(f"Warning: the environment variable {name} is left out, because it would break the run.")
        hosts = [
            str(host) for host in (answer.get("hostname"), settings.url.partition("://")[2].partition("/")[0]) if host
        ]
        token = str(answer.get("token") or "")
        configuration = cli_configuration(token, settings.url, hosts, settings.plugin_mirror)
        config = directory.write_input("cli.tfrc", configuration)
        readable = [settings.plugin_mirror] if settings.plugin_mirror is not None else []
        given = environment(settings, directory, self.document, chosen, config, has_cache=checks_cache(program))
        terraform = Terraform(self.tools.sandbox, program, directory, self.control, given, readable)
        folder = directory.configuration / directory.working_directory
        declared = declared_variables(folder)
        # An apply takes its values from the plan, and only those again that no plan keeps.
        text = variables.terraform(name for name, ephemeral in declared.items() if ephemeral or not applying)
        if not text:
            return terraform, []
        return terraform, [f"-var-file={directory.write_input('groundplan.tfvars', text)}"]

    def init(self, terraform: Terraform, log: Log) -> None:
        """Initialize the directory; its log is shown only if it fails."""
        printed = bytearray()

        def keep(data: bytes) -> None:
            if len(printed) < INIT_LOG_BYTES:
                printed.extend(data)

        # Whoever debugs wants to see all of it.
        is_shown = bool(self.document["run"].get("debugging-mode"))
        status = terraform.run(["init", "-input=false"], log.write if is_shown else keep)
        assert self.directory is not None
        terraform.has_providers = self.directory.has_lock_file()
        if status:
            log.write(bytes(printed))
            if self.control.stopped:
                raise Stopped
            raise Failed

    def note(self) -> None:
        """Keep on disk what is known about this job."""
        assert self.directory is not None
        self.directory.note(self.notes)
