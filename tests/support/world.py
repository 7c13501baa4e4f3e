"""People and places for the tests, put straight into the database."""

import time
from dataclasses import dataclass
from typing import Any, TypeVar

from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.authentication.tokens import built_in_pool_token, digest, new_token
from app.bootstrap import add_token
from app.config import Settings
from app.models import (
    ActivityEvent,
    Agent,
    AgentPool,
    AuthenticationToken,
    Environment,
    Organization,
    OrganizationMembership,
    Policy,
    PolicySet,
    PolicySetPolicy,
    Project,
    ProjectMember,
    StateVersion,
    StateVersionOutput,
    TagBinding,
    Team,
    TeamMember,
    TeamProject,
    TeamWorkspace,
    User,
    Varset,
    Workspace,
    WorkspaceAclEntry,
)
from app.models.agents import BUILT_IN_POOL
from app.models.environments import default_environment
from app.models.projects import DEFAULT_PROJECT
from app.models.state_versions import FINALIZED
from app.models.teams import OWNERS
from app.persistence import Base
from app.services import services
from tests.support.rows import can_insert, complete, insert_rows

Entity = TypeVar("Entity", bound=Base)


@dataclass(frozen=True)
class Person:
    """A user with a token."""

    id: str
    username: str
    token: str


class World:
    """Factories. Each call commits; names are made up where none is given."""

    def __init__(self, app: Flask) -> None:
        self._engine = services(app).engines.writing
        self._settings: Settings = services(app).settings
        self._count = 0

    def person(self, username: str | None = None, *, site_role: str = "user") -> Person:
        """A user who belongs nowhere."""
        person, rows = self._person(username or self._name("user"), site_role)
        self._insert(*rows)
        return person

    def organization(self, name: str | None = None, *, owner: Person | None = None, **members: Any) -> Organization:
        """An organization with its default project and owners team; without an owner, somebody made up owns it."""
        rows: list[Base] = []
        if owner is None:
            owner, rows = self._person(self._name("user"), "user")
        name = name or self._name("org")
        organization = Organization(**{"name": name, "email": f"{name}@example.test", **members})
        complete(organization)
        place = {"organization_id": organization.id}
        membership = OrganizationMembership(**place, user_id=owner.id)
        team = Team(**place, name=OWNERS, is_owners=True, visibility="organization")
        project = Project(**place, name=DEFAULT_PROJECT, is_default=True)
        for row in (membership, team, project):
            complete(row)
        its = TeamMember(team_id=team.id, membership_id=membership.id)
        self._insert(*rows, organization, membership, team, project, default_environment(project), its)
        return organization

    def token(self, organization: Organization) -> str:
        """A new token of the organization, which has none yet."""
        token = new_token()
        with Session(self._engine) as session, session.begin():
            add_token(session, self._settings, token, organization_id=organization.id)
        return token

    def membership(self, organization: Organization, person: Person, *, status: str = "active") -> str:
        """Make the person a member; the id of the membership."""
        return self._membership(organization.id, person, status)

    def member(self, organization: Organization, *teams: Team, username: str | None = None) -> Person:
        """A new member of the organization who is in these teams."""
        person, rows = self._person(username or self._name("user"), "user")
        membership = OrganizationMembership(organization_id=organization.id, user_id=person.id)
        complete(membership)
        its = [TeamMember(team_id=team.id, membership_id=membership.id) for team in teams]
        self._insert(*rows, membership, *its)
        self._let_time_pass()
        return person

    def owner(self, organization: Organization) -> Person:
        """A new owner of the organization."""
        return self.member(organization, self.owners(organization))

    def team(self, organization: Organization, *flags: str, name: str | None = None, **members: Any) -> Team:
        """A team with these flags of organization-access."""
        return self.add(
            Team(
                organization_id=organization.id,
                name=name or self._name("team"),
                organization_access=sorted(flags),
                **members,
            )
        )

    def owners(self, organization: Organization) -> Team:
        """The owners team."""
        with Session(self._engine, expire_on_commit=False) as session:
            return session.scalars(select(Team).where(Team.organization_id == organization.id, Team.is_owners)).one()

    def project(self, organization: Organization, name: str | None = None, **members: Any) -> Project:
        """A project with its default environment."""
        project = Project(organization_id=organization.id, name=name or self._name("project"), **members)
        complete(project)
        self._insert(project, default_environment(project))
        return project

    def environment(self, project: Project, name: str | None = None, **members: Any) -> Environment:
        """An environment of the project, beside the default one."""
        name = name or self._name("environment")
        return self.add(
            Environment(organization_id=project.organization_id, project_id=project.id, name=name, **members)
        )

    def default_environment(self, project: Project) -> Environment:
        """The default environment."""
        with Session(self._engine, expire_on_commit=False) as session:
            found = select(Environment).where(Environment.project_id == project.id, Environment.is_default)
            return session.scalars(found).one()

    def project_member(
        self,
        project: Project,
        person: Person,
        role: str,
        *,
        environment: Environment | None = None,
        cells: list[str] | None = None,
    ) -> ProjectMember:
        """The role of the person in the project, who becomes a member of the organization."""
        self._let_time_pass()
        return self.add(
            ProjectMember(
                organization_id=project.organization_id,
                project_id=project.id,
                membership_id=self._membership(project.organization_id, person),
                role=role,
                environment_id=environment and environment.id,
                cells=cells,
            )
        )

    def acl_entry(self, workspace: Workspace, person: Person, level: str) -> WorkspaceAclEntry:
        """The level of the person on the workspace, who becomes a member of the organization."""
        self._let_time_pass()
        return self.add(
            WorkspaceAclEntry(
                organization_id=workspace.organization_id,
                workspace_id=workspace.id,
                membership_id=self._membership(workspace.organization_id, person),
                level=level,
            )
        )

    def project_token(self, project: Project, role: str) -> str:
        """A new token of the project."""
        token = new_token()
        with Session(self._engine) as session, session.begin():
            add_token(
                session,
                self._settings,
                token,
                organization_id=project.organization_id,
                project_id=project.id,
                role=role,
            )
        return token

    def default_project(self, organization: Organization) -> Project:
        """The default project."""
        with Session(self._engine, expire_on_commit=False) as session:
            found = select(Project).where(Project.organization_id == organization.id, Project.is_default)
            return session.scalars(found).one()

    def tag(self, project: Project, key: str, value: str = "") -> TagBinding:
        """A tag of the project."""
        return self.add(
            TagBinding(organization_id=project.organization_id, project_id=project.id, key=key, value=value)
        )

    def access(self, team: Team, project: Project, access: str, details: dict[str, Any] | None = None) -> TeamProject:
        """What the team may do on the project."""
        return self.add(
            TeamProject(
                organization_id=project.organization_id,
                team_id=team.id,
                project_id=project.id,
                access=access,
                details=details,
            )
        )

    def workspace_access(
        self, team: Team, workspace: Workspace, access: str, details: dict[str, Any] | None = None
    ) -> TeamWorkspace:
        """What the team may do on the workspace."""
        return self.add(
            TeamWorkspace(
                organization_id=workspace.organization_id,
                team_id=team.id,
                workspace_id=workspace.id,
                access=access,
                details=details,
            )
        )

    def workspace(self, project: Project, name: str | None = None, **members: Any) -> Workspace:
        """A workspace in the project, in its default environment unless another one is given."""
        if "environment_id" not in members:
            its_default = select(Environment.id).where(Environment.project_id == project.id, Environment.is_default)
            with self._engine.connect() as connection:
                members["environment_id"] = connection.scalars(its_default).one()
        return self.add(
            Workspace(
                organization_id=project.organization_id,
                project_id=project.id,
                name=name or self._name("workspace"),
                **members,
            )
        )

    def team_token(self, team: Team, description: str | None = None) -> str:
        """A new token of the team."""
        token = new_token()
        with Session(self._engine) as session, session.begin():
            add_token(
                session,
                self._settings,
                token,
                organization_id=team.organization_id,
                team_id=team.id,
                description=description,
            )
        return token

    def varset(self, organization: Organization, *, project: Project | None = None, **members: Any) -> Varset:
        """A variable set, of the organization or of the project."""
        members.setdefault("name", self._name("varset"))
        owner = None if project is None else project.id
        return self.add(Varset(organization_id=organization.id, project_id=owner, **members))

    def state_version(self, workspace: Workspace, *outputs: str, number: int = 1, **members: Any) -> StateVersion:
        """A finished version with these outputs, whose bytes are nowhere and whose values nobody can open."""
        place = {"organization_id": workspace.organization_id, "workspace_id": workspace.id}
        members = {"serial": number, "md5": "0" * 32, "status": FINALIZED, **members}
        version = self.add(StateVersion(**place, number=number, **members))
        for name in outputs:
            its = {"state_version_id": version.id, "name": name, "type": "string", "sensitive": False, "value": ""}
            self.add(StateVersionOutput(**place, **its))
        return version

    def policy(self, organization: Organization, code: str | None = None, **members: Any) -> Policy:
        """A policy of the organization."""
        told = {"name": self._name("policy"), "query": "data.terraform.deny", **members}
        return self.add(Policy(organization_id=organization.id, code=code, **told))

    def policy_set(self, organization: Organization, *policies: Policy, **members: Any) -> PolicySet:
        """A set with these policies; it counts nowhere unless it is said."""
        made = self.add(PolicySet(organization_id=organization.id, **{"name": self._name("set"), **members}))
        for policy in policies:
            self.add(PolicySetPolicy(policy_set_id=made.id, policy_id=policy.id))
        return made

    def pool(self, organization: Organization, name: str | None = None, **members: Any) -> AgentPool:
        """An agent pool, open to the whole organization unless said otherwise."""
        return self.add(AgentPool(organization_id=organization.id, name=name or self._name("pool"), **members))

    def pool_token(self, pool: AgentPool, description: str = "agents") -> str:
        """A new token for the agents of the pool."""
        token = new_token()
        with Session(self._engine) as session, session.begin():
            owner = {"organization_id": pool.organization_id, "agent_pool_id": pool.id}
            add_token(session, self._settings, token, description=description, **owner)
        return token

    def built_in_token(self) -> str:
        """The token of the built-in pool, as the bootstrap stores it."""
        key = self._settings.secret_key
        token = built_in_pool_token(key)
        self.add(AuthenticationToken(digest=digest(token, key), kind="agent"))
        return token

    def agent(self, pool: AgentPool | None = None, name: str | None = None, **members: Any) -> Agent:
        """An idle agent of the pool, or of the built-in one, that has just been heard of."""
        place: dict[str, Any] = {"pool": BUILT_IN_POOL}
        if pool is not None:
            place = {"pool": pool.id, "agent_pool_id": pool.id, "organization_id": pool.organization_id}
        told: dict[str, Any] = {
            "version": "1.0.0",
            "os": "linux",
            "arch": "amd64",
            "slots": 2,
            "is_single": False,
            "tools": {"terraform": ["1.11.4"], "opentofu": []},
            "sandbox": "bwrap",
        }
        return self.add(Agent(**{**place, **told, "name": name or self._name("agent"), **members}))

    def add(self, entity: Entity) -> Entity:
        """Store the entity."""
        if can_insert(entity):
            self._insert(entity)
            return entity
        with Session(self._engine, expire_on_commit=False) as session, session.begin():
            session.add(entity)
        return entity

    def change(self, entity: Base, **members: Any) -> None:
        """Set columns of a row that is stored."""
        with Session(self._engine) as session, session.begin():
            stored = session.merge(entity)
            for name, value in members.items():
                setattr(stored, name, value)

    def remove(self, entity: Base) -> None:
        """Take the entity away again."""
        with Session(self._engine) as session, session.begin():
            session.delete(entity)

    def all(self, model: type[Base]) -> list[Any]:
        """Every row of the table, oldest first where it tells when its rows were made."""
        # Without an order PostgreSQL gives rows as they lie, and new ones lie where old ones were deleted.
        order = [column for name, column in model.__table__.c.items() if name == "created_at"]
        with Session(self._engine, expire_on_commit=False) as session:
            return list(session.scalars(select(model).order_by(*order)))

    def _insert(self, *rows: Base) -> None:
        with self._engine.begin() as connection:
            insert_rows(connection, rows)

    def _membership(self, organization_id: str, person: Person, status: str = "active") -> str:
        there = select(OrganizationMembership.id).where(
            OrganizationMembership.organization_id == organization_id, OrganizationMembership.user_id == person.id
        )
        with self._engine.begin() as connection:
            found = connection.scalars(there).one_or_none()
            if found is not None:
                return found
            made = OrganizationMembership(organization_id=organization_id, user_id=person.id, status=status)
            insert_rows(connection, [made])
        self._let_time_pass()
        return made.id

    def _person(self, username: str, site_role: str) -> tuple[Person, list[Base]]:
        """A user, with the rows of their own, of a token and of what a command records about that."""
        user = User(username=username, email=f"{username}@example.test", site_role=site_role)
        complete(user)
        token = new_token()
        stored = AuthenticationToken(digest=digest(token, self._settings.secret_key), kind="user", user_id=user.id)
        complete(stored)
        event = ActivityEvent(
            action="authentication-tokens.create",
            actor_type="commands",
            actor_name="flask",
            subject_type="authentication-tokens",
            subject_id=stored.id,
            changes={},
        )
        return Person(user.id, username, token), [user, stored, event]

    @staticmethod
    def _let_time_pass() -> None:
        """Times are kept in milliseconds, and members are listed by them: let no two be made in the same one."""
        time.sleep(0.001)

    def _name(self, kind: str) -> str:
        self._count += 1
        return f"{kind}-{self._count:04d}"
