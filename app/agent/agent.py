"""The agent's loop: it registers, takes jobs, renews their leases and ends when it is asked to."""

import contextlib
import logging
import os
import random
import select
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from app.agent.applies import ApplyJob
from app.agent.client import BEAT, NO_CONTENT, PROTOCOL, Client, Document, Refused, Unavailable, insist, waits
from app.agent.jobs import Job, Tools
from app.agent.plans import PlanJob
from app.agent.settings import Settings

logger = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
LONGEST_POLL_SECONDS = 60.0
DEFAULT_POLL_SECONDS = 5.0
LONGEST_ADDRESS = 100
AGAIN_SECONDS = 0.05
PHASES: dict[str, type[Job]] = {"plan": PlanJob, "apply": ApplyJob}


class Agent:
    """Serves one pool with a number of slots."""

    def __init__(self, settings: Settings, client: Client, tools: Tools, version: str) -> None:
        self.settings = settings
        self.client = client
        self.tools = tools
        self.version = version
        self.id: str | None = None
        self._free = set(range(settings.slots))
        self._jobs: dict[int, Job] = {}
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self._waking, self._woken = socket.socketpair()
        self._woken.settimeout(0)
        self._waking.settimeout(0)
        self._bell = _bind(settings.doorbells)
        self._heartbeat_seconds = 10.0
        self._pinged = 0.0
        self._taken = False
        self._begun = time.monotonic()
        # Set by a ring that may mean a signal for a running job.
        self._ask = threading.Event()
        self._renewals = ThreadPoolExecutor(max_workers=settings.slots, thread_name_prefix="lease")

    # -- from signal handlers and other threads

    def end(self) -> None:
        """Take no further job, and end after those that run; asked for a second time, interrupt them."""
        if self._ending.is_set():
            for job in self._running():
                job.control.interrupt("The agent was stopped.")
        self._ending.set()
        self._wake()

    def _wake(self) -> None:
        with contextlib.suppress(BlockingIOError, OSError):
            self._waking.send(b".")

    def _running(self) -> list[Job]:
        with self._lock:
            return list(self._jobs.values())

    # -- the loop

    def serve(self) -> None:
        """Work until it is asked to end."""
        self._register()
        beating = threading.Thread(target=self._beat, name="heartbeat", daemon=True)
        beating.start()
        pauses = waits()
        wait = 0.0
        while not self._is_done():
            rung = self._wait(wait)
            if self._ending.is_set() or not self._has_room():
                wait = LOOK_SECONDS
                continue
            if not rung and time.monotonic() < self._due:
                wait = min(LOOK_SECONDS, self._due - time.monotonic())
                continue
            try:
                wait = self._acquire()
            except Unavailable as error:
                wait = next(pauses)
                logger.warning("The service can't be reached: %s", error)
            except Refused as refused:
                wait = next(pauses)
                self._refused(refused)
            else:
                pauses = waits()
            self._due = time.monotonic() + wait
            # Whether it should end is looked at more often.
            wait = min(wait, LOOK_SECONDS)
        self._ending.set()
        beating.join()
        self._deregister()

    _due = 0.0

    def _is_done(self) -> bool:
        if self.settings.parent is not None and os.getppid() != self.settings.parent and not self._ending.is_set():
            logger.warning("The process that started this agent is gone. It ends after the running jobs.")
            self.end()
        if self.settings.single and self._taken and not self._running():
            return True
        if self._waits_in_vain():
            logger.info("There was no job for %s seconds, so this agent ends.", self.settings.idle_seconds)
            return True
        return self._ending.is_set() and not self._running()

    def _waits_in_vain(self) -> bool:
        """Whether no job came for an agent that was started for one."""
        longest = self.settings.idle_seconds
        is_without = self.settings.single and not self._taken
        return is_without and longest is not None and time.monotonic() - self._begun > longest

    def _has_room(self) -> bool:
        with self._lock:
            return bool(self._free) and not (self.settings.single and self._taken)

    def _wait(self, seconds: float) -> bool:
        """Wait for a ring or so long; whether there was one."""
        files = [self._woken] if self._bell is None else [self._woken, self._bell]
        ready, _, _ = select.select(files, [], [], max(0.0, seconds))
        rung = False
        for file in ready:
            with contextlib.suppress(BlockingIOError):
                while data := file.recv(64):
                    rung = rung or data != b"signal"
                    if file is self._bell and data != b"job":
                        self._ask.set()
        return rung

    def _acquire(self) -> float:
        """Ask for a job: how long to wait before the next time."""
        self._pinged = time.monotonic()
        status, document, headers = self.client.call("POST", f"/agents/{self.id}/acquire", {})
        if status == NO_CONTENT or not document:
            after = headers.get("Retry-After") or ""
            # A proxy may write a date.
            seconds = min(float(after), LONGEST_POLL_SECONDS) if after.isdecimal() else DEFAULT_POLL_SECONDS
            return max(AGAIN_SECONDS, seconds * random.uniform(0.75, 1.25))  # noqa: S311
        self._begin(document)
        # Mostly there is no second one, and the first needs the service now. Each that is queued rings by itself.
        return AGAIN_SECONDS

    def _begin(self, document: Document) -> None:
        with self._lock:
            slot = min(self._free)
            self._free.discard(slot)
            self._taken = True
            job = PHASES[str(document["phase"])](self.tools, document, slot)
            self._jobs[slot] = job
        threading.Thread(target=self._execute, args=(job, slot), name=f"slot-{slot}", daemon=True).start()

    def _execute(self, job: Job, slot: int) -> None:
        logger.info("%s of %s begins", job.phase, job.run_id)
        try:
            job.execute()
        except Exception:
            logger.exception("The job %s failed", job.id)
        finally:
            with self._lock:
                self._jobs.pop(slot, None)
                self._free.add(slot)
            logger.info("%s of %s has ended", job.phase, job.run_id)
            self._wake()

    # -- heartbeats

    def _beat(self) -> None:
        due = time.monotonic() + self._heartbeat_seconds
        while not (self._ending.is_set() and not self._running()):
            asked = self._ask.wait(min(LOOK_SECONDS, max(0.0, due - time.monotonic())))
            self._ask.clear()
            if not asked and time.monotonic() < due:
                continue
            due = due if asked else time.monotonic() + self._heartbeat_seconds
            try:
                self._renew_all(asked=asked)
                self._drop_kept()
                if time.monotonic() - self._pinged > self._heartbeat_seconds:
                    with contextlib.suppress(Unavailable):
                        self._ping()
            except Exception:
                # Without heartbeats every job would be lost.
                logger.exception("A heartbeat failed")
        self._renewals.shutdown(wait=False, cancel_futures=True)

    def _renew_all(self, *, asked: bool) -> None:
        """Renew all leases side by side, so that a call that hangs costs no other job its lease."""
        for job in self._running():
            under_way = job.renewal
            if under_way is None or under_way.done():
                job.renewal = self._renewals.submit(self._renew, job)
            elif asked:
                # Its answer may be older than the signal that it is asked for.
                under_way.add_done_callback(lambda _: self._ask.set())

    @staticmethod
    def _renew(job: Job) -> None:
        try:
            job.renew()
        except Exception:
            logger.exception("The lease of %s is not renewed", job.id)

    def _ping(self) -> None:
        self._pinged = time.monotonic()
        status = "busy" if self._running() else "idle"
        try:
            self.client.call("PUT", f"/agents/{self.id}", {"status": status}, timeout=BEAT)
        except Refused as refused:
            self._refused(refused)

    def _drop_kept(self) -> None:
        now = time.monotonic()
        for run, kept in list(self.tools.kept.items()):
            if kept.until < now and self.tools.kept.pop(run, None) is kept:
                kept.directory.remove()

    # -- with the service

    def _register(self) -> None:
        document = {
            "protocol": PROTOCOL,
            "name": self.settings.name,
            "version": self.version,
            "os": os.uname().sysname.lower(),
            "arch": os.uname().machine,
            "slots": self.settings.slots,
            "single": self.settings.single,
            "tools": self.tools.versions.at_hand(),
            "sandbox": self.settings.sandbox,
        }
        answer = insist(lambda: self._ask_to_register(document), self._ending)
        self.id = str(answer["id"])
        self._heartbeat_seconds = float(answer.get("heartbeat-seconds") or self._heartbeat_seconds)
        logger.info("Registered as %s with %s slots", self.id, self.settings.slots)

    def _ask_to_register(self, document: Document) -> Document:
        _, answer, _ = self.client.call("POST", "/agents", document, timeout=BEAT)
        if answer is None or "id" not in answer:
            raise Unavailable("the answer does not come from the service")
        return answer

    def _refused(self, refused: Refused) -> None:
        if refused.status == 404:  # noqa: PLR2004 - statuses of HTTP
            logger.info("The service does not know this agent any more: it registers again")
            with contextlib.suppress(Refused, Unavailable):
                self._register()
        else:
            logger.error("The service refuses: %s", refused)

    def _deregister(self) -> None:
        for kept in self.tools.kept.values():
            kept.directory.remove()
        with contextlib.suppress(Unavailable, Refused):
            self.client.call("DELETE", f"/agents/{self.id}")

    def close(self) -> None:
        """Close its sockets."""
        self._waking.close()
        self._woken.close()
        if self._bell is not None and self.settings.doorbells is not None:
            self._bell.close()
            (self.settings.doorbells / f"{os.getpid()}.sock").unlink(missing_ok=True)


def _bind(folder: Path | None) -> socket.socket | None:
    """The doorbell: the service on this host sends a datagram when there is something to do."""
    if folder is None:
        return None
    path = folder / f"{os.getpid()}.sock"
    bell = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        path.unlink(missing_ok=True)
        # The address of a socket may not be long, so the folder is named by its descriptor.
        opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            bell.bind(f"/proc/self/fd/{opened}/{path.name}" if len(str(path)) > LONGEST_ADDRESS else str(path))
        finally:
            os.close(opened)
    except OSError as error:
        logger.warning("There is no doorbell, so the agent polls: %s", error)
        bell.close()
        return None
    bell.settimeout(0)
    return bell
