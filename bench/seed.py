"""Fill an empty, migrated database with one large organization: ``python -m bench.seed``.

Everything except the digests of the tokens is the same in each run. The rows are inserted into the tables in bulk.
"""

import json
import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, func, insert, select, text

from app.application import create_app
from app.authentication.tokens import HEAD, LETTERS, MIDDLE, TAIL, digest
from app.config import Settings
from app.models.authentication_tokens import AuthenticationToken
from app.models.environments import DEFAULT_ENVIRONMENT, Environment
from app.models.organization_memberships import OrganizationMembership
from app.models.organizations import EXECUTION_MODES, Organization
from app.models.projects import DEFAULT_PROJECT, Project
from app.models.team_projects import TeamProject
from app.models.teams import OWNERS, Team, TeamMember
from app.models.users import User
from app.models.workspaces import Workspace
from app.persistence.identifiers import ALPHABET, LENGTH
from app.services import services

PROJECTS = 10_000
WORKSPACES = 50_000
TEAMS = 200
USERS = 1_000
TEAM_PROJECTS = 20_000

ORGANIZATION = "large"
SHOWN = 2_000
TERMS = 64
LEVELS = ("read", "write", "maintain", "admin")
SYLLABLES = ("ba", "co", "du", "fe", "gi", "ka", "lo", "mu", "ne", "pi", "ra", "so", "tu", "ve", "zi")
BEGINNING = datetime(2024, 1, 1, tzinfo=UTC)
AT_ONCE = 5_000

Values = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Seeded:
    """The tokens and ids that a load needs."""

    organization: str
    owner_token: str
    organization_token: str
    member_token: str
    projects: list[str]
    terms: list[str]


class Maker:
    """Makes the rows of one large organization, from a fixed random seed."""

    def __init__(self, key: str) -> None:
        """``key`` is the secret that the service digests tokens with."""
        self.key = key
        self.chance = random.Random(20_260_101)
        self.words = sorted({"".join(self.chance.choices(SYLLABLES, k=3)) for _ in range(400)})[:160]
        self.organization_id = self.identifier("org")

    def identifier(self, prefix: str) -> str:
        """An id as the service makes them."""
        return f"{prefix}-{''.join(self.chance.choices(ALPHABET, k=LENGTH))}"

    def moment(self) -> datetime:
        """Some time in two years."""
        return BEGINNING + timedelta(seconds=self.chance.randrange(86_400 * 700))

    def name(self, number: int) -> str:
        """Two words and a number, so that a word is found in about 125 of 10,000 names."""
        return f"{self.chance.choice(self.words)}-{self.chance.choice(self.words)}-{number:05d}"

    def sentence(self) -> str:
        """A description."""
        return " ".join(self.chance.choices(self.words, k=self.chance.randrange(6, 16))).capitalize()

    def token(self) -> str:
        """The text of a token."""
        head, tail = (self.chance.choices(LETTERS, k=length) for length in (HEAD, TAIL))
        return f"{''.join(head)}.{MIDDLE}.{''.join(tail)}"

    # --- rows ------------------------------------------------------------------------------------------------------

    def organization(self) -> Values:
        """The one organization."""
        return {
            "id": self.organization_id,
            "name": ORGANIZATION,
            "email": "owner@example.test",
            "created_at": BEGINNING,
        }

    def users(self) -> list[Values]:
        """The users: the first owns the organization, the second is the member whose view is measured."""
        names = (f"user{number:04d}" for number in range(USERS))
        return [
            {"id": self.identifier("user"), "username": name, "email": f"{name}@example.test", "created_at": BEGINNING}
            for name in names
        ]

    def memberships(self, users: Iterable[Values]) -> list[Values]:
        """Everybody is in the organization."""
        return [{**self._owned("ou"), "user_id": user["id"], "created_at": BEGINNING} for user in users]

    def teams(self) -> list[Values]:
        """The owners, and the teams that are given access."""
        owners = {"name": OWNERS, "is_owners": True, "visibility": "organization"}
        others = ({"name": f"team-{number:03d}", "is_owners": False, "visibility": "secret"} for number in range(TEAMS))
        return [{**self._owned("team"), **team, "created_at": BEGINNING} for team in (owners, *others)]

    def team_members(self, memberships: list[Values], owners: Values, teams: list[Values]) -> list[Values]:
        """One owner; the member in the first two teams; everybody else in one to three."""
        first, second, *others = memberships
        chosen = [(first, [owners]), (second, teams[:2])]
        chosen += [(member, self.chance.sample(teams, self.chance.randint(1, 3))) for member in others]
        return [{"team_id": team["id"], "membership_id": member["id"]} for member, those in chosen for team in those]

    def projects(self) -> list[Values]:
        """The projects, the default one among them."""
        default = {**self._named("prj"), "name": DEFAULT_PROJECT, "is_default": True}
        others = (
            {**self._named("prj"), "name": self._cased(number), "is_default": False} for number in range(1, PROJECTS)
        )
        return [default, *others]

    def environments(self, projects: list[Values]) -> list[Values]:
        """The default environment of each project."""
        return [
            {
                **self._owned("env"),
                "project_id": project["id"],
                "name": DEFAULT_ENVIRONMENT,
                "is_default": True,
                "created_at": project["created_at"],
                "updated_at": project["created_at"],
            }
            for project in projects
        ]

    def workspaces(self, environments: list[Values]) -> list[Values]:
        """The workspaces, spread over the environments at random."""
        places = [(each["project_id"], each["id"]) for each in environments]
        chosen = self.chance.choices(places, k=WORKSPACES)
        return [
            {
                **self._named("ws"),
                "name": self.name(number),
                "project_id": project,
                "environment_id": environment,
                "updated_at": self.moment(),
                "auto_apply": self.chance.random() < 0.5,
                "own_execution_mode": self.chance.choice((None, *EXECUTION_MODES)),
                "locked": self.chance.random() < 0.1,
                "resource_count": self.chance.randrange(400),
                "working_directory": self.chance.choice((None, "infra/prod", "infra/dev")),
            }
            for number, (project, environment) in enumerate(chosen)
        ]

    def team_projects(self, teams: list[Values], projects: list[Values]) -> list[Values]:
        """Each team on as many projects as any other."""
        return [
            {
                **self._owned("tprj"),
                "team_id": team["id"],
                "project_id": project["id"],
                "access": self.chance.choice(LEVELS),
            }
            for team in teams
            for project in self.chance.sample(projects, TEAM_PROJECTS // TEAMS)
        ]

    def stored_token(self, token: str, **owner: str) -> Values:
        """A token of a user or the organization."""
        kind = "user" if "user_id" in owner else "organization"
        nobody = {"user_id": None, "organization_id": None}
        stored = {"id": self.identifier("at"), "digest": digest(token, self.key), "kind": kind, "created_at": BEGINNING}
        return {**stored, **nobody, **owner}

    def _owned(self, prefix: str) -> Values:
        return {"id": self.identifier(prefix), "organization_id": self.organization_id}

    def _named(self, prefix: str) -> Values:
        description = self.sentence() if self.chance.random() < 0.8 else None
        return {**self._owned(prefix), "description": description, "created_at": self.moment()}

    def _cased(self, number: int) -> str:
        # Every third name has capitals, because lists and searches ignore case.
        name = self.name(number)
        return name.title() if number % 3 == 0 else name


def seed(engine: Engine, key: str, tell: Callable[[str], object] = lambda _line: None) -> Seeded:
    """Write everything in one transaction; ``ValueError`` when there is an organization already."""
    maker = Maker(key)
    users, teams, projects = maker.users(), maker.teams(), maker.projects()
    memberships = maker.memberships(users)
    environments = maker.environments(projects)
    owners, others = teams[0], teams[1:]
    owner_token, member_token, organization_token = maker.token(), maker.token(), maker.token()
    tables: Mapping[type[Any], list[Values]] = {
        Organization: [maker.organization()],
        User: users,
        OrganizationMembership: memberships,
        Team: teams,
        TeamMember: maker.team_members(memberships, owners, others),
        AuthenticationToken: [
            maker.stored_token(owner_token, user_id=users[0]["id"]),
            maker.stored_token(member_token, user_id=users[1]["id"]),
            maker.stored_token(organization_token, organization_id=maker.organization_id),
        ],
        Project: projects,
        Environment: environments,
        Workspace: maker.workspaces(environments),
        TeamProject: maker.team_projects(others, projects),
    }
    with engine.begin() as connection:
        if connection.scalar(select(func.count()).select_from(Organization)):
            message = "seed an empty database: this one has an organization"
            raise ValueError(message)
        for model, rows in tables.items():
            _write(connection, model, rows)
            tell(f"{len(rows):>7,} {model.__tablename__}")
    settle(engine)
    return Seeded(
        ORGANIZATION,
        owner_token,
        organization_token,
        member_token,
        [project["id"] for project in maker.chance.sample(projects, SHOWN)],
        maker.chance.sample(maker.words, TERMS),
    )


def settle(engine: Engine) -> None:
    """Run the maintenance that PostgreSQL would soon run by itself after so many writes; SQLite runs none by itself."""
    if engine.dialect.name == "postgresql":
        with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
            connection.execute(text("VACUUM (ANALYZE)"))


def _write(connection: Connection, model: type[Any], rows: list[Values]) -> None:
    for start in range(0, len(rows), AT_ONCE):
        connection.execute(insert(model.__table__), rows[start : start + AT_ONCE])


if __name__ == "__main__":
    settings = Settings.from_environment()
    made = services(create_app(settings))
    print(json.dumps(asdict(seed(made.engines.writing, settings.secret_key))))
