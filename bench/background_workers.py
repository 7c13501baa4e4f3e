"""Workers for ``bench.background_tasks``, forked from one process so that they start at once, and again when they end.

``python -m bench.background_workers COUNT URL`` prints the id of each worker's process. Their only kind of task sends
its id, by a POST to the URL, as a notification would.
"""

import os
import signal
import sys
from types import FrameType

import urllib3
from flask import Flask

from app.application import create_app
from app.models.background_tasks import DueTask, RetryLaterError
from app.services import services
from app.worker.handling import Handler
from app.worker.main import NICE
from app.worker.worker import Worker

KIND = "bench"


def work(app: Flask, url: str) -> None:
    """Work in this process until SIGTERM."""
    services(app).engines.dispose(close=False)
    pool = urllib3.PoolManager(maxsize=8, timeout=5.0, retries=False)

    def send(task: DueTask) -> None:
        answer = pool.request("POST", url, body=f"{task.id} {task.attempt} {task.payload['number']}".encode())
        if answer.status != 200:
            raise RetryLaterError("refused")

    worker = Worker(app, {KIND: Handler(perform=send)}, {})

    def end(_signal: int, _frame: FrameType | None) -> None:
        worker.stop()

    signal.signal(signal.SIGTERM, end)
    os.nice(NICE)
    worker.run()


def main() -> None:
    """Keep so many workers alive until SIGTERM."""
    count, url = int(sys.argv[1]), sys.argv[2]
    app = create_app()
    workers: set[int] = set()
    ending = False

    def end(_signal: int, _frame: FrameType | None) -> None:
        nonlocal ending
        ending = True
        for pid in workers:
            os.kill(pid, signal.SIGTERM)

    signal.signal(signal.SIGTERM, end)
    while True:
        while not ending and len(workers) < count:
            pid = os.fork()
            if pid == 0:
                work(app, url)
                os._exit(0)
            workers.add(pid)
            print(pid, flush=True)
        if not workers:
            return
        gone, _ = os.wait()
        workers.discard(gone)


if __name__ == "__main__":
    main()
