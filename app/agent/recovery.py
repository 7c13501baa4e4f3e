"""Finishes what an earlier agent could not, because it was killed: above all, no state is lost."""

import contextlib
import logging
import threading
from functools import partial
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


def prepare(tools: Tools) -> list[Path]:
    """Make the directories of an agent: what is left of applies in them."""
    for folder in (tools.jobs, tools.caches):
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o711)
    return look_through(tools.jobs)


def look_through(folder: Path) -> list[Path]:
    """Look through the directories of the jobs of an agent that has ended: those of applies, the others are removed."""
    end_leftovers(folder)
    left = []
    for root in sorted(folder.iterdir()) if folder.is_dir() else ():
        if read_notes(root) is None:
            remove_tree(root)
        else:
            left.append(root)
    return left


def recover(settings: Settings, client: Client, tools: Tools, left: list[Path], ended: threading.Event) -> None:
    """Hand over the states of these applies, until this agent ends, too. Its jobs have other directories."""
    for root in left:
        notes = read_notes(root)
        if notes is None or notes.get("url") != settings.url or ended.is_set():
            continue
        try:
            _recover(client, tools, root, notes, ended)
        except (Unavailable, Refused, OSError) as error:
            logger.error("What is left of %s is not handed over (%s). It stays in %s.", root.name, error, root)  # noqa: TRY400
        except Exception:
            logger.exception("What is left of %s is not handed over. It stays in %s.", root.name, root)
        else:
            remove_tree(root)


def _recover(client: Client, tools: Tools, root: Path, notes: dict[str, Any], ended: threading.Event) -> None:
    logger.warning("The apply of %s was not finished by an earlier agent: its state is handed over", root.name)
    job = JobClient(client, str(notes["id"]), int(notes["fence"]))
    workspace = notes["workspace"]
    directory = RunDirectory(
        root, tools.sandbox, tools.caches / "0", str(workspace["name"]), str(workspace.get("working-directory") or "")
    )
    _wait_for(notes.get("process"), directory.cwd, ended)
    result = {**(notes.get("result") or {"outcome": "failed", "error": KILLED, "killed": True}), "state-missing": False}
    try:
        States(job, directory, notes.get("before")).upload_last(ended)
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
            _send_log(job, root / "log-apply", int(notes.get("log-base") or 0), said, ended)
    with contextlib.suppress(JobLost, Refused):
        insist(lambda: job.finish(result), ended)


def _wait_for(process: int | None, cwd: Path, ended: threading.Event) -> None:
    """Wait for Terraform of a killed agent: without a sandbox it goes on, and its state counts."""
    while process is not None:
        try:
            if Path(f"/proc/{process}/cwd").readlink() != cwd:
                return
        except OSError:
            return
        if ended.wait(LOOK_SECONDS):
            raise Unavailable("Terraform still works, and this agent ends")


def _send_log(job: JobClient, path: Path, base: int, said: str, ended: threading.Event) -> None:
    """Send the rest of a log, and why it ends: the service says how much it has."""
    with path.open("a+b") as file:
        file.write(said.encode())
        file.seek(0)
        data = file.read(1)
        length = insist(lambda: job.log(base, data), ended) - base if data else 0
        while True:
            file.seek(length)
            data = file.read(512 * 1024)
            if not data:
                return
            length = insist(partial(job.log, base + length, data), ended) - base
