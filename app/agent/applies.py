"""The apply of a run."""

import hashlib
import logging
import tempfile
import time

from app.agent.client import Document, JobLost, Refused, Unavailable, insist
from app.agent.directory import BadFile, RunDirectory
from app.agent.jobs import LOCK_FILE_BYTES, PLAN, PREPARE_SECONDS, STATE_BYTES, Failed, Job, Kept
from app.agent.states import States, digest, keep_lost
from app.agent.terraform import Stopped

logger = logging.getLogger(__name__)


class ApplyJob(Job):
    """Applies the plan of a run; once it has started, it is never given up."""

    phase = "apply"

    def work(self) -> Document:
        """Do it: what the service is told of it."""
        document = self.document
        kept = self.tools.kept.pop(self.run_id, None)
        if kept is not None and (kept.until < time.monotonic() or not self._is_usable(kept)):
            kept.directory.remove()
            kept = None
        if kept is not None:
            directory = self.directory = kept.directory
            if kept.slot != self.slot:
                directory.use_cache(self.open_cache())
            program = kept.program
        else:
            directory = self.directory = self.new_directory()
            self.unpack(directory)
            self._fetch_plan(directory)
            program = self.tools.versions.find(
                str(document["tool"]), str(document["version"]), lambda: self.control.stopped
            )
        # In a directory that is ready, this is all that is missing.
        fetched = self.tools.pool.submit(self.fetch_state, directory)
        before = fetched.result() if kept is None else None
        self.notes = {
            **{name: document[name] for name in ("id", "fence", "phase", "workspace")},
            "url": self.tools.settings.url,
            "run": self.run_id,
            "before": before,
            "log-base": self.log_base,
            "result": None,
        }
        self.note()
        answer = insist(self.client.start, seconds=PREPARE_SECONDS)
        self.started = True
        variables = self.variables(answer)
        log = self.begin_log(program)
        before = self.notes["before"] = fetched.result()
        terraform, var_file = self.prepare(directory, program, variables, answer, applying=True)
        if kept is None:
            self.init(terraform, log)
        terraform.has_providers = directory.has_lock_file()
        arguments = ["apply", "-input=false", "-auto-approve", *var_file]
        if document["json-log"]:
            arguments.append("-json")
        states = States(self.client, directory, before)
        # Until it is known that the service has the last state, nothing of it is removed.
        self.state_missing = self.stays = True
        try:
            states.start()
            status = terraform.run([*arguments, f"{directory.inside.work}/{PLAN}"], log.write, self._note_process)
        finally:
            states.stop()
            self._hand_over(states)
        if status:
            raise Stopped if self.control.stopped else Failed
        return {"terraform-version": program.version}

    def _note_process(self, number: int) -> None:
        self.notes["process"] = number
        self.note()

    def _hand_over(self, states: States) -> None:
        try:
            kept = states.upload_last()
        except (JobLost, Refused, BadFile, Unavailable, OSError) as error:
            assert self.directory is not None
            saved = self.directory.root
            if not isinstance(error, Unavailable) and not (isinstance(error, Refused) and error.is_for_now):
                try:
                    saved = keep_lost(self.directory, self.tools.lost_states, self.run_id)
                    self.stays = False
                except OSError as failure:
                    logger.error("The state of %s can't be copied: %s", self.run_id, failure)  # noqa: TRY400
            logger.error("The state of %s was not taken (%s): see %s", self.run_id, error, saved)  # noqa: TRY400
            if self.log is not None:
                self.log.say(
                    f"\nWarning: the service did not take the state of this apply: {error}. The agent keeps it."
                )
        else:
            self.state_missing = self.stays = False
            if kept == "errored-state":
                logger.warning("The state of %s is kept as its errored state.", self.run_id)

    def _fetch_plan(self, directory: RunDirectory) -> None:
        with directory.write(PLAN) as file:
            if not self.download("artifacts/plan", file, STATE_BYTES):
                raise Failed("The plan of this run is not there any more. Start a new run.")
        with tempfile.TemporaryFile() as lock:
            if self.download("artifacts/lock-file", lock, LOCK_FILE_BYTES):
                lock.seek(0)
                directory.write(directory.lock_file, lock.read())

    def _is_usable(self, kept: Kept) -> bool:
        # Providers are links into the cache of the slot that planned.
        return (kept.slot == self.slot or not self._has_providers(kept.directory)) and self._is_untouched(kept)

    def _is_untouched(self, kept: Kept) -> bool:
        try:
            plan = kept.directory.open(PLAN)
            lock = kept.directory.read(kept.directory.lock_file, LOCK_FILE_BYTES)
        except (BadFile, OSError):
            return False
        if plan is None:
            return False
        with plan:
            return (digest(plan), hashlib.sha256(lock or b"").hexdigest()) == kept.digests

    @staticmethod
    def _has_providers(directory: RunDirectory) -> bool:
        return (directory.configuration / directory.working_directory / ".terraform" / "providers").is_dir()
