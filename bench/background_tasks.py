"""Measure background tasks: ``python -m bench.background_tasks [SQLite|PostgreSQL]``.

Each task sends a request to a receiver in this process and is then removed. How many a second two workers do while an
ordinary request is asked again and again, how late one that is due begins, and what a hundred kills leave.
"""

import argparse
import json
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection

import urllib3
from sqlalchemy import Engine, create_engine, event, func, insert, select

from app.models.background_tasks import BackgroundTask
from app.persistence import now
from bench.__main__ import DATABASES
from bench.background_workers import KIND
from bench.places import REPOSITORY, environment, free_port, run_module, service, temporary_folder
from bench.runs import percentile

TASKS = 10_000
WORKERS = 2
QUIET_SECONDS = 20
# Requests a second: as many as some dozen people make.
PACE = 20
PUNCTUAL = 100
KILLS = 100
KILL_SECONDS = 1.0
LEASE_SECONDS = 5


class Receiver:
    """Counts what it is sent, and when each number came first."""

    def __init__(self) -> None:
        self.got: Counter[str] = Counter()
        self.first: dict[int, float] = {}
        self.attempts: set[str] = set()
        self.delay = 0.0
        lock = threading.Lock()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                task_id, attempt, number = self.rfile.read(int(self.headers["Content-Length"])).decode().split()
                with lock:
                    receiver.got[task_id] += 1
                    receiver.attempts.add(f"{task_id}.{attempt}")
                    receiver.first.setdefault(int(number), time.time())
                time.sleep(receiver.delay)
                self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

            def log_message(self, *_: object) -> None:
                """Say nothing."""

            def handle(self) -> None:
                # A worker that is killed resets its connections, and may have sent the head of a request alone.
                with suppress(OSError, ValueError):
                    super().handle()

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class Workers:
    """Workers in processes, which are started again when they are killed."""

    def __init__(self, settings: Mapping[str, str], receiver: Receiver) -> None:
        command = [sys.executable, "-m", "bench.background_workers", str(WORKERS), receiver.url]
        self._process = subprocess.Popen(command, cwd=REPOSITORY, env=dict(settings), stdout=subprocess.PIPE, text=True)
        self.pids: list[int] = []
        threading.Thread(target=self._read, daemon=True).start()
        while len(self.pids) < WORKERS:
            time.sleep(0.05)

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.pids.append(int(line))

    def kill_one(self) -> None:
        pid = random.choice(self.pids[-WORKERS:])
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return
        known = len(self.pids)
        self.pids.remove(pid)
        while len(self.pids) < known:
            time.sleep(0.01)

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(30)


def ask(url: str, token: str, orders: Connection) -> None:
    """In a process of its own: ask for a page of projects at an even pace whenever it is told to."""
    pool = urllib3.PoolManager(retries=False)
    while orders.recv() == "begin":
        times = []
        while not orders.poll():
            began = time.perf_counter()
            answer = pool.request("GET", url, headers={"Authorization": f"Bearer {token}"})
            if answer.status != 200:
                raise RuntimeError(answer.status)
            times.append(time.perf_counter() - began)
            orders.poll(max(0.0, 1 / PACE - times[-1]))
        orders.recv()
        orders.send(times)


class Asking:
    """Somebody who asks ordinary requests, and how long each took."""

    def __init__(self, url: str, token: str) -> None:
        context = multiprocessing.get_context("spawn")
        self._orders, theirs = context.Pipe()
        self._process = context.Process(target=ask, args=(url, token, theirs), daemon=True)
        self._process.start()

    @contextmanager
    def going_on(self) -> Iterator[list[float]]:
        times: list[float] = []
        self._orders.send("begin")
        yield times
        self._orders.send("end")
        times += self._orders.recv()

    def stop(self) -> None:
        self._orders.send("stop")
        self._process.join()


def put(engine: Engine, numbers: range, at: datetime, apart: timedelta = timedelta()) -> None:
    """Make tasks that are due at this time, or one after the other."""
    rows = [{"kind": KIND, "payload": {"number": each}, "run_at": at + i * apart} for i, each in enumerate(numbers)]
    with engine.begin() as connection:
        connection.execute(insert(BackgroundTask), rows)


def left(engine: Engine) -> int:
    with engine.connect() as connection:
        counted = select(func.count()).select_from(BackgroundTask).where(BackgroundTask.kind == KIND)
        return connection.execute(counted).scalar_one()


def wait_until_done(engine: Engine, seconds: float) -> float:
    deadline = time.monotonic() + seconds
    while left(engine):
        if time.monotonic() > deadline:
            raise RuntimeError("the tasks are not done")
        time.sleep(0.1)
    return time.time()


@contextmanager
def installed(database: str) -> Iterator[tuple[dict[str, str], str, str, Engine]]:
    with temporary_folder() as folder, DATABASES[database](folder) as url:
        settings = environment(folder, url, free_port()) | {
            "GROUNDPLAN_AGENTS": "0",
            "GROUNDPLAN_WORKERS": "0",
            "GROUNDPLAN_WORKER_LEASE_SECONDS": str(LEASE_SECONDS),
        }
        run_module(settings, "flask", "db", "upgrade")
        first = json.loads(run_module(settings, "flask", "bootstrap", "--json"))
        address = f"http://127.0.0.1:{settings['PORT']}/api/v2/organizations/{first['organization']}/projects"
        engine = create_engine(url)
        if engine.dialect.name == "sqlite":
            event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA busy_timeout = 20000"))
        with service(settings):
            yield settings, address, first["user_token"], engine
        engine.dispose()


def measure(database: str, kills: int) -> None:
    print(f"## {database}\n", flush=True)
    with installed(database) as (settings, address, token, engine):
        receiver, asking = Receiver(), Asking(address, token)
        workers = Workers(settings, receiver)
        try:
            load(engine, receiver, asking)
            punctuality(engine, receiver)
            killing(engine, receiver, workers, kills)
        finally:
            asking.stop()
            workers.stop()
            receiver.stop()
    print(flush=True)


def load(engine: Engine, receiver: Receiver, asking: Asking) -> None:
    with asking.going_on():
        time.sleep(3)
    with asking.going_on() as quiet:
        time.sleep(QUIET_SECONDS)
    at = now() + timedelta(seconds=8)
    put(engine, range(TASKS), at)
    time.sleep(max(0.0, (at - now()).total_seconds()))
    with asking.going_on() as busy:
        took = wait_until_done(engine, 600) - at.timestamp()
    twice = sum(1 for count in receiver.got.values() if count > 1)
    print(
        f"- {TASKS} tasks due at once, {WORKERS} workers: {took:.1f} s, {TASKS / took:.0f} a second; "
        f"{len(receiver.got)} done, {twice} of them twice"
    )
    p50, p99 = ([percentile(times, percent) * 1000 for times in (quiet, busy)] for percent in (50, 99))
    print(
        f"- an ordinary request, {PACE} a second: p50 {p50[0]:.1f} ms quiet, {p50[1]:.1f} ms meanwhile; "
        f"p99 {p99[0]:.1f} ms quiet, {p99[1]:.1f} ms meanwhile, {p99[1] / p99[0]:.2f} times",
        flush=True,
    )


def punctuality(engine: Engine, receiver: Receiver) -> None:
    at, apart = now() + timedelta(seconds=1), timedelta(milliseconds=173)
    numbers = range(TASKS, TASKS + PUNCTUAL)
    put(engine, numbers, at, apart)
    wait_until_done(engine, 120)
    late = [receiver.first[each] - (at + i * apart).timestamp() for i, each in enumerate(numbers)]
    print(f"- due work begins after p50 {percentile(late, 50):.2f} s, at most {max(late):.2f} s", flush=True)


def killing(engine: Engine, receiver: Receiver, workers: Workers, kills: int) -> None:
    receiver.got.clear()
    receiver.attempts.clear()
    receiver.delay = 0.005
    count = 0
    begun = time.monotonic()
    for _ in range(kills):
        # Always a backlog, so that each kill hits tasks that are being done.
        while left(engine) < 300:
            put(engine, range(count, count + 300), now())
            count += 300
        time.sleep(KILL_SECONDS * (0.5 + random.random()))
        workers.kill_one()
    killed = time.monotonic() - begun
    wait_until_done(engine, 600)
    times = Counter(receiver.got.values())
    print(
        f"- {kills} kills of a worker in {killed:.0f} s, {count} tasks: {count - len(receiver.got)} not done, "
        f"{times[1]} once, {times[2]} twice, {sum(times.values()) - times[1] - times[2]} more often; "
        f"each time with the task's id",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("databases", nargs="*", default=["SQLite", "PostgreSQL"], choices=sorted(DATABASES))
    parser.add_argument("--kills", type=int, default=KILLS)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    for database in options.databases:
        measure(database, options.kills)


if __name__ == "__main__":
    main()
