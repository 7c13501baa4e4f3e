"""How answers slow down as an organization grows: ``python -m bench.growth [SQLite|PostgreSQL] [--places one many]``.

One organization of 1,000, then 10,000, then 100,000 workspaces, which are all in one project or ten in each. Each
number is the CPU time of one request in milliseconds: of the service, with SQLite inside it, and of PostgreSQL.
"""

import argparse
import os
import re
import statistics
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from flask.testing import FlaskClient
from sqlalchemy import Connection, Engine, create_engine, insert, make_url, text

from app.application import create_app
from app.config import Settings
from app.models.authentication_tokens import AuthenticationToken
from app.models.environments import DEFAULT_ENVIRONMENT, Environment
from app.models.organization_memberships import OrganizationMembership
from app.models.organizations import Organization
from app.models.projects import DEFAULT_PROJECT, Project
from app.models.tag_bindings import TagBinding
from app.models.team_projects import TeamProject
from app.models.teams import OWNERS, Team, TeamMember
from app.models.users import User
from app.models.workspaces import Workspace
from app.web import cursors
from bench.__main__ import DATABASES
from bench.places import environment, free_port, run_module, temporary_folder
from bench.seed import AT_ONCE, BEGINNING, ORGANIZATION, Maker, Values, settle

SIZES: Final = (1_000, 10_000, 100_000)
PLACES: Final = ("one", "many")
IN_EACH: Final = 10
ROUNDS: Final = 9
LIST: Final = f"/organizations/{ORGANIZATION}/workspaces"
# Who asks, and for what. PROJECT, PLACE, WORKSPACE and NAME are those of the workspace that was made first, which is
# somewhere in the list; CURSOR stands there. LAST is a late page. The stranger sees one project, which is empty; the
# member has a role in the project of that workspace.
OF_EVERYBODY: Final = (
    LIST,
    f"{LIST}?page[count]=false",
    f"{LIST}?page[after]=CURSOR",
    f"{LIST}?page[number]=LAST",
    f"{LIST}?page[number]=LAST&page[count]=false",
    f"{LIST}?search[name]=aa",
    f"{LIST}?search[tags]=nobody-has-it",
    f"{LIST}?search[tags]=rare",
    f"{LIST}?search[tags]=common",
    f"{LIST}?sort=-latest-change-at",
    f"{LIST}/NAME",
    "/workspaces",
    "/workspaces/WORKSPACE",
    "/workspaces/WORKSPACE/vars",
    "/workspaces/WORKSPACE/varsets",
    "/workspaces/WORKSPACE/runs",
    "/workspaces/WORKSPACE/activity-events",
    "/projects/PROJECT",
    "/projects/PROJECT/environments",
    "/projects/PROJECT/tag-bindings",
    "/projects/PROJECT/activity-events",
    "/projects/PROJECT/workspaces",
    "/projects/PROJECT/workspaces?page[number]=LAST",
    "/environments/PLACE",
    f"/organizations/{ORGANIZATION}",
    f"/organizations/{ORGANIZATION}/projects",
    f"/organizations/{ORGANIZATION}/projects?page[count]=false",
    f"/organizations/{ORGANIZATION}/projects?page[number]=LAST",
    f"/organizations/{ORGANIZATION}/tags",
    f"/organizations/{ORGANIZATION}/teams",
    f"/organizations/{ORGANIZATION}/varsets",
    f"/organizations/{ORGANIZATION}/runs",
    "/organizations",
    "/account/details",
)
ASKED: Final = (
    ("stranger", LIST),
    ("stranger", "/workspaces"),
    *((who, path) for path in OF_EVERYBODY for who in ("owner", "member")),
)


class World:
    """One organization that grows."""

    def __init__(self, engine: Engine, key: str, places: str) -> None:
        self.engine = engine
        self.is_one = places == "one"
        self.made = 0
        self.first = ("", "")
        self.maker = Maker(key)
        self.tokens = {who: self.maker.token() for who in ("owner", "member", "stranger")}
        self.here = {"organization_id": self.maker.organization_id}
        with engine.begin() as connection:
            self.place = self._begin(connection)

    def _begin(self, connection: Connection) -> tuple[str, str]:
        """Make the organization, two projects, a team for each who asks; returns the place of the first workspace."""
        identifier = self.maker.identifier
        _write(connection, Organization, [self.maker.organization()])
        place = self._project(connection, DEFAULT_PROJECT, is_default=True)
        empty, _ = self._project(connection, "Empty")
        for who, project in (("owner", None), ("member", place[0]), ("stranger", empty)):
            user, membership, team = identifier("user"), identifier("ou"), identifier("team")
            _write(connection, User, [_created(id=user, username=who, email=f"{who}@example.test")])
            _write(connection, OrganizationMembership, [_created(id=membership, user_id=user, **self.here)])
            named = {"name": who if project else OWNERS, "is_owners": project is None, "visibility": "secret"}
            _write(connection, Team, [_created(id=team, **named, **self.here)])
            _write(connection, TeamMember, [{"team_id": team, "membership_id": membership}])
            _write(connection, AuthenticationToken, [self.maker.stored_token(self.tokens[who], user_id=user)])
            if project:
                access = {"team_id": team, "project_id": project, "access": "write"}
                _write(connection, TeamProject, [{"id": identifier("tprj"), **access, **self.here}])
        return place

    def _project(self, connection: Connection, name: str, *, is_default: bool = False) -> tuple[str, str]:
        project, place = self.maker.identifier("prj"), self.maker.identifier("env")
        values = _created(id=project, name=name, slug=name.lower(), is_default=is_default, **self.here)
        _write(connection, Project, [values])
        values = _created(id=place, project_id=project, name=DEFAULT_ENVIRONMENT, is_default=True, **self.here)
        _write(connection, Environment, [{**values, "updated_at": BEGINNING}])
        return project, place

    def grow(self, size: int) -> None:
        """Add workspaces until there are so many; half of them have a tag, and one in a hundred has a rare one."""
        workspaces: list[Values] = []
        tags: list[Values] = []
        place = self.place
        with self.engine.begin() as connection:
            for number in range(self.made, size):
                if not self.is_one and number and number % IN_EACH == 0:
                    place = self._project(connection, f"project-{number:06d}")
                project, its_environment = place
                workspace, name = self.maker.identifier("ws"), self.maker.name(number)
                if number == 0:
                    self.first = workspace, name
                its = {"project_id": project, "environment_id": its_environment, "updated_at": BEGINNING, **self.here}
                workspaces.append(_created(id=workspace, name=name, **its))
                keys = [key for key, each in (("common", 2), ("rare", 100)) if number % each == 0]
                tags += [
                    _created(id=self.maker.identifier("tb"), workspace_id=workspace, key=key, value="", **self.here)
                    for key in keys
                ]
            _write(connection, Workspace, workspaces)
            _write(connection, TagBinding, tags)
        self.made = size
        settle(self.engine)

    def path(self, template: str) -> str:
        """The path of a request, with ids for words."""
        project, place = self.place
        held = self.made
        if not self.is_one:
            held = (
                IN_EACH if template.startswith("/projects") else held // IN_EACH if "/projects?" in template else held
            )
        words = {
            "PROJECT": project,
            "PLACE": place,
            "WORKSPACE": self.first[0],
            "NAME": self.first[1],
            "LAST": str(max(1, held // 20 - 5)),
        }
        return re.sub("[A-Z]{4,}", lambda word: words.get(word.group(), word.group()), template)


class Clock:
    """The CPU time that this process and the database's processes have used."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def pids(self) -> list[int]:
        """The processes of PostgreSQL that serve the connections to this database."""
        if self.engine.dialect.name == "sqlite":
            return []
        with self.engine.connect() as connection:
            found = "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
            return list(connection.scalars(text(found)))

    @staticmethod
    def now(pids: list[int]) -> float:
        """Milliseconds so far."""
        served = sum(int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) for pid in pids)
        return (time.process_time_ns() + served) / 1e6


def measure(client: FlaskClient, world: World, clock: Clock, cursor: str) -> Iterator[float]:
    """The median of some rounds, for each of ``ASKED``."""
    for who, template in ASKED:
        path, headers = (
            f"/api/v2{world.path(template).replace('CURSOR', cursor)}",
            {"Authorization": f"Bearer {world.tokens[who]}"},
        )
        taken = []
        pids: list[int] = []
        for _ in range(ROUNDS + 2):
            began = clock.now(pids)
            answer = client.get(path, headers=headers)
            taken.append(clock.now(pids) - began)
            if answer.status_code != 200:
                raise RuntimeError(f"{answer.status} for {path}: {answer.text}")
            pids = pids or clock.pids()
        yield statistics.median(taken[2:])


def growth(database: str, places: str) -> Mapping[int, list[float]]:
    """The numbers of one database, by the number of workspaces."""
    with temporary_folder() as folder, DATABASES[database](folder) as url:
        settings = environment(folder, url, free_port())
        run_module(settings, "flask", "db", "upgrade")
        os.environ.update(settings)
        engine = create_engine(make_url(url))
        if engine.dialect.name == "postgresql":
            # What helpers of the process do is not counted, so there are none.
            with engine.begin() as connection:
                name = make_url(url).database
                connection.execute(text(f'ALTER DATABASE "{name}" SET max_parallel_workers_per_gather = 0'))
            engine.dispose()
        given = Settings.from_environment()
        application = create_app(given)
        client = application.test_client()
        world, clock, found = World(engine, given.secret_key, places), Clock(engine), {}
        for size in SIZES:
            world.grow(size)
            with application.app_context():
                cursor = cursors.encode((), [world.first[1], world.first[0]])
            found[size] = list(measure(client, world, clock, cursor))
            print(f"{database}, {places}: {size:,}", file=sys.stderr, flush=True)
        engine.dispose()
        return found


def table(results: Mapping[str, Mapping[int, list[float]]]) -> str:
    """The numbers in Markdown, a line for each request."""
    sizes = f"{SIZES[0]:,} / {SIZES[1]:,} / {SIZES[2]:,}"
    lines = [["who", "asks for", *(f"{name}: {sizes}" for name in results)], ["---", "---"] + ["---:"] * len(results)]
    for index, (who, path) in enumerate(ASKED):
        cells = [" / ".join(f"{taken[size][index]:.1f}" for size in SIZES) for taken in results.values()]
        lines.append([who, f"`{path}`", *cells])
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _created(**values: object) -> Values:
    return {**values, "created_at": BEGINNING}


def _write(connection: Connection, model: type[Any], rows: list[Values]) -> None:
    for start in range(0, len(rows), AT_ONCE):
        connection.execute(insert(model.__table__), rows[start : start + AT_ONCE])


def main() -> None:
    """Measure what the command line names and print a table for each of the places."""
    parser = argparse.ArgumentParser(prog="python -m bench.growth", description=__doc__)
    parser.add_argument("databases", nargs="*", metavar="DATABASE", help=f"any of {', '.join(DATABASES)}")
    parser.add_argument("--places", nargs="+", choices=PLACES, default=PLACES, help="one project, or ten in each")
    options = parser.parse_args()
    for places in options.places:
        results = {name: growth(name, places) for name in options.databases or list(DATABASES)[:2]}
        print(f"\nWorkspaces in {places} project{'s' if places == 'many' else ''}:\n\n{table(results)}", flush=True)


if __name__ == "__main__":
    main()
