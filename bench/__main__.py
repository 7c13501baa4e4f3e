"""Measure the service on both databases and print a table: ``python -m bench``."""

import argparse
import json
import signal
import sys
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

from sqlalchemy import Engine, create_engine, delete

from app.models.activity_events import ActivityEvent
from app.models.projects import Project
from app.models.workspaces import Workspace
from bench.load import load
from bench.places import environment, free_port, postgresql, run_module, service, sqlite, temporary_folder
from bench.seed import Seeded, settle
from bench.workloads import MADE, Numbers, Workload, workloads

DATABASES: Mapping[str, Callable[[Path], AbstractContextManager[str]]] = {
    "SQLite": sqlite,
    "PostgreSQL": postgresql,
    "PostgreSQL-psycopg": partial(postgresql, driver="postgresql+psycopg"),
}
WARM_UP = 1.0


def main() -> int:
    """Run the benchmark as the command line says; the exit status is 1 if any request failed."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that everything is cleaned up
    options = _options()
    results = {name: measure(name, options) for name in options.databases}
    print(table(results))
    failed = [failure for counted in results.values() for numbers in counted.values() for failure in numbers.failures]
    for failure in failed:
        print(f"FAILED {failure}", file=sys.stderr)
    return 1 if failed else 0


def measure(database: str, options: argparse.Namespace) -> dict[str, Numbers]:
    """Run all workloads on one new database; returns the numbers by the title of the workload."""
    with temporary_folder() as folder, DATABASES[database](folder) as url:
        settings = environment(folder, url, free_port())
        if options.threads:
            settings["GROUNDPLAN_THREADS"] = str(options.threads)
        _tell(f"{database}: migrating and seeding")
        run_module(settings, "flask", "db", "upgrade")
        seeded = Seeded(**json.loads(run_module(settings, "bench.seed")))
        engine = create_engine(url)
        counted = {}
        with service(settings):
            for workload in workloads(seeded):
                if options.only and workload.name not in options.only:
                    continue
                counted[workload.title] = run(workload, settings, options)
                if workload.method != "GET":
                    put_away(engine)
        engine.dispose()
        return counted


def run(workload: Workload, settings: Mapping[str, str], options: argparse.Namespace) -> Numbers:
    """Warm up, then count."""
    port = int(settings["PORT"])
    load(workload, port, WARM_UP, options.connections, is_by_wrk=options.by_wrk)
    numbers = load(workload, port, options.seconds, options.connections, is_by_wrk=options.by_wrk)
    _tell(f"  {workload.title:<40} {numbers.per_second:8.0f}/s")
    return numbers


def put_away(engine: Engine) -> None:
    """Delete the rows that the load created, so that every workload starts with the same data."""
    with engine.begin() as connection:
        connection.execute(delete(ActivityEvent).where(ActivityEvent.subject_name.startswith(MADE)))
        connection.execute(delete(Workspace).where(Workspace.name.startswith(MADE)))
        connection.execute(delete(Project).where(Project.name.startswith(MADE)))
    settle(engine)


def table(results: Mapping[str, Mapping[str, Numbers]]) -> str:
    """The numbers in Markdown, with the databases side by side."""
    head = ["", *(f"{name} {column}" for name in results for column in ("requests/s", "p50 ms", "p99 ms"))]
    lines = [head, ["---"] + ["---:"] * (len(head) - 1)]
    for title in next(iter(results.values())):
        cells = [title]
        for counted in results.values():
            numbers = counted[title]
            cells += [f"{numbers.per_second:.0f}", f"{numbers.median:.1f}", f"{numbers.percentile_99:.1f}"]
        lines.append(cells)
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "databases",
        nargs="*",
        metavar="DATABASE",
        help=f"any of {', '.join(DATABASES)}; by default the first two",
    )
    parser.add_argument("--seconds", type=float, default=5.0, help="how long each workload runs after its warm-up")
    parser.add_argument("--connections", type=int, default=8, help="how many requests are under way at once")
    parser.add_argument("--threads", type=int, help="threads of each process of the service; by default its own number")
    parser.add_argument("--only", nargs="+", metavar="WORKLOAD", help="names as in bench/workloads.py")
    sender = parser.add_mutually_exclusive_group()
    sender.add_argument("--wrk", dest="by_wrk", action="store_true", default=None, help="insist on wrk")
    sender.add_argument(
        "--own", dest="by_wrk", action="store_false", help="send with our own loop even if wrk is there"
    )
    options = parser.parse_args()
    unknown = set(options.databases) - set(DATABASES)
    if unknown:
        parser.error(f"unknown database: {', '.join(sorted(unknown))}")
    options.databases = options.databases or list(DATABASES)[:2]
    return options


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
