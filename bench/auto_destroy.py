"""Measure the timer of auto-destroy, with 10,000 of 50,000 workspaces due: ``python -m bench.auto_destroy``."""

import argparse
import os
import time
from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import create_engine, insert, update
from sqlalchemy.orm import Session

from app.models import Environment, Project, Workspace
from app.models.auto_destroy import arm_inheriting
from app.persistence import now
from app.resources.runs.auto_destroy.operations import due_workspaces, workspaces_to_remind
from app.resources.runs.auto_destroy.timer import AT_ONCE
from bench.__main__ import DATABASES
from bench.places import environment, free_port, run_module, temporary_folder
from bench.runs import percentile

WORKSPACES = 50_000
DUE = 10_000
LOOKS = 200


def fill(session: Session) -> str:
    """Workspaces of one project that manage something; returns the id of the project."""
    project = session.query(Project).order_by(Project.created_at).first()
    assert project is not None
    where = session.query(Environment).filter_by(project_id=project.id, is_default=True).one()
    moment = now()
    key = {"organization_id": project.organization_id, "project_id": project.id, "environment_id": where.id}
    rows = [
        {
            **key,
            "id": f"ws-bench{number:08d}",
            "name": f"bench-{number}",
            "resource_count": 1,
            "state_changed_at": moment,
            "auto_destroy_due_at": moment + timedelta(seconds=number * 3600 / DUE) if number < DUE else None,
            "auto_destroy_reminded_of": None,
        }
        for number in range(WORKSPACES)
    ]
    session.execute(insert(Workspace), rows)
    session.commit()
    return project.id


def timed(act: Callable[[], object]) -> float:
    """Milliseconds."""
    begun = time.perf_counter()
    act()
    return 1000 * (time.perf_counter() - begun)


def main() -> None:
    """Measure on one database."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("database", nargs="?", default="SQLite", choices=DATABASES)
    database = parser.parse_args().database
    with temporary_folder() as folder, DATABASES[database](folder) as url:
        settings = environment(folder, url, free_port())
        run_module(settings, "flask", "db", "upgrade")
        run_module(settings, "flask", "bootstrap", "--json")
        os.environ |= settings
        with Session(create_engine(url)) as session:
            project_id = fill(session)
            if database != "SQLite":
                session.connection().exec_driver_sql("ANALYZE")
            looks = {"due": due_workspaces, "to remind": workspaces_to_remind}
            for name, look in looks.items():
                times = [timed(lambda look=look: look(session, AT_ONCE)) for _ in range(LOOKS)]  # type: ignore[misc]
                print(f"{database}, {name}: p50 {percentile(times, 50):.2f} ms, p99 {percentile(times, 99):.2f} ms")
            session.execute(update(Project).values(auto_destroy_activity_duration="14d"))
            session.flush()
            took = timed(lambda: arm_inheriting(session, project_id))
            print(f"{database}, a project's duration changes for {WORKSPACES} workspaces: {took:.0f} ms")


if __name__ == "__main__":
    main()
