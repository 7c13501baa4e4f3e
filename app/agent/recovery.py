"""Finishes what an earlier agent could not, because it was killed: above all, no state is lost."""

import contextlib
import logging
import time
from pathlib import Path
from typing import Any

from app.agent.client import Client, JobClient, JobLost, Refused, Unavailable, insist
from app.agent.directory import BadFile, RunDirectory, read_notes, remove_tree
from app.agent.jobs import Tools
from app.agent.sandbox import end_leftovers
from app.agent.settings import Settings
from app.agent.states import States, keep_lost

logger = logging.getLogger(__name__)

LOOK_SECONDS = 0.2
KILLED = "The agent was stopped while Terraform was applying. What was finished until then is in the state."


def recover(settings: Settings, client: Client, tools: Tools) -> None:
    """Make the directories of an agent, and finish what was left in them."""
    for folder in (tools.jobs, tools.caches):
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o711)
    recover_jobs(settings, client, tools, tools.jobs)


def recover_jobs(settings: Settings, client: Client, tools: Tools, folder: Path) -> None:
    """Look through the directories of jobs: hand over the states of applies, and remove the rest."""
    end_leftovers(folder)
    for root in sorted(folder.iterdir()) if folder.is_dir() else ():
        notes = read_notes(root)
        if notes is None or notes.get("url") != settings.url:
            if notes is None:
                remove_tree(root)
            continue
        try:
            _recover(client, tools, root, notes)
        except (Unavailable, Refused, OSError) as error:
            logger.error("What is left of %s is not handed over (%s). It stays in %s.", root.name, error, root)  # noqa: TRY400
        else:
            remove_tree(root)


def _recover(client: Client, tools: Tools, root: Path, notes: dict[str, Any]) -> None:
    logger.warning("The apply of %s was not finished by an earlier agent: its state is handed over", root.name)
    job = JobClient(client, str(notes["id"]), int(notes["fence"]))
    workspace = notes["workspace"]
    directory = RunDirectory(
        root, tools.sandbox, tools.caches / "0", str(workspace["name"]), str(workspace.get("working-directory") or "")
    )
    _wait_for(notes.get("process"), directory.cwd)
    result = {**(notes.get("result") or {"outcome": "failed", "error": KILLED, "killed": True}), "state-missing": False}
    try:
        States(job, directory, notes.get("before")).upload_last()
    except (JobLost, Refused, BadFile, OSError) as error:
        if isinstance(error, Refused) and error.is_for_now:
            raise
        result["state-missing"] = True
        saved = keep_lost(directory, tools.lost_states, str(notes.get("run")))
        logger.error("The state of %s was not taken (%s): see %s", root.name, error, saved)  # noqa: TRY400
    # The log of a run that was given up is closed; that all is handed over counts even then.
    with contextlib.suppress(JobLost, Refused):
        said = "" if notes.get("result") else f"\nError: {KILLED}\n"
        # Before the log was begun, terraform was not started.
        if (root / "log-apply").is_file():
            _send_log(job, root / "log-apply", int(notes.get("log-base") or 0), said)
    with contextlib.suppress(JobLost, Refused):
        insist(lambda: job.finish(result))


def _wait_for(process: int | None, cwd: Path) -> None:
    """Wait for Terraform of a killed agent: without a sandbox it goes on, and its state counts."""
    while process is not None:
        try:
            if Path(f"/proc/{process}/cwd").readlink() != cwd:
                return
        except OSError:
            return
        time.sleep(LOOK_SECONDS)


def _send_log(job: JobClient, path: Path, base: int, said: str) -> None:
    """Send the rest of a log, and why it ends: the service says how much it has."""
    with path.open("a+b") as file:
        file.write(said.encode())
        file.seek(0)
        data = file.read(1)
        length = insist(lambda: job.log(base, data)) - base if data else 0
        while True:
            file.seek(length)
            data = file.read(512 * 1024)
            if not data:
                return
            length = insist(lambda data=data, length=length: job.log(base + length, data)) - base  # type: ignore[misc]
