"""The policy has two faces, one for a row in memory and one in SQL. Whatever was granted, they agree."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session, joinedload

from app.authz.grants import EVERYBODY, SITE, Grants, Source
from app.authz.permissions import P
from app.authz.policy import POLICY, Level
from app.authz.rules import (
    EVERYTHING,
    grant_levels,
    holds,
    permissions_on,
    visibility_clause,
    visibility_parameters,
    where,
)
from app.models import (
    ActivityEvent,
    Agent,
    AuthenticationToken,
    ConfigurationVersion,
    Environment,
    Invitation,
    Organization,
    OrganizationMembership,
    Project,
    ProjectMember,
    RepositoryLink,
    StateVersion,
    StateVersionOutput,
    Team,
    TeamProject,
    TeamWorkspace,
    User,
    Varset,
    Workspace,
    WorkspaceAclEntry,
)
from app.models.agents import BUILT_IN_POOL
from app.persistence import now
from tests.support.world import Person, World

NOWHERE = Source("tests", "none")
MODELS: tuple[Any, ...] = (
    Organization,
    User,
    OrganizationMembership,
    AuthenticationToken,
    Agent,
    ConfigurationVersion,
    Team,
    TeamProject,
    TeamWorkspace,
    Project,
    Varset,
    Workspace,
    StateVersion,
    StateVersionOutput,
    ActivityEvent,
    Environment,
    Invitation,
    ProjectMember,
    RepositoryLink,
    WorkspaceAclEntry,
)
OPTIONS: dict[Any, list[Any]] = {
    TeamProject: [joinedload(TeamProject.team)],
    TeamWorkspace: [joinedload(TeamWorkspace.team), joinedload(TeamWorkspace.workspace)],
}


@dataclass
class Somebody:
    grants: Grants = field(default_factory=Grants)


def populate(world: World) -> Mapping[Level, list[str]]:
    """Two organizations with two of everything; the ids that a grant at each level may name."""
    targets: dict[Level, list[str]] = {level: [] for level in Level}
    targets[Level.SITE] = [SITE]
    targets[Level.PUBLIC] = [EVERYBODY]
    for _ in range(2):
        person = world.person()
        organization = world.organization(owner=person)
        world.token(organization)
        targets[Level.ORGANIZATION].append(organization.id)
        targets[Level.PROJECTS].append(organization.id)
        targets[Level.WORKSPACES].append(organization.id)
        targets[Level.VISIBLE_TEAMS].append(organization.id)
        targets[Level.ORDINARY_TEAMS].append(organization.id)
        targets[Level.AGENT_POOLS].append(organization.id)
        pool = world.pool(organization)
        world.pool_token(pool)
        world.agent(pool)
        world.agent()
        targets[Level.AGENT_POOL] += [pool.id, BUILT_IN_POOL]
        targets[Level.SHARED_VARSETS].append(organization.id)
        targets[Level.SOME_PROJECT].append(organization.id)
        world.varset(organization)
        targets[Level.USER].append(person.id)
        targets[Level.MEMBERSHIP].append(world.membership(organization, person))
        for visibility in ("secret", "organization"):
            team = world.team(organization, visibility=visibility)
            project = world.project(organization, public_read=visibility == "secret")
            environment = world.environment(project)
            cell = "eu" if visibility == "secret" else None
            workspace = world.workspace(project, environment_id=environment.id, cell=cell)
            beside = world.workspace(project, cell="us")
            targets[Level.PROJECT_ACCESS].append(project.id)
            targets[Level.ENVIRONMENT].append(environment.id)
            targets[Level.CELL] += [f"{project.id}/eu", f"{project.id}/us"]
            targets[Level.ENVIRONMENT_CELL] += [f"{environment.id}/eu", f"{beside.environment_id}/us"]
            populate_people(world, person, project, workspace)
            world.workspace_access(team, workspace, "read")
            targets[Level.WORKSPACE].append(workspace.id)
            world.state_version(workspace, "address")
            place = {"organization_id": organization.id, "workspace_id": workspace.id}
            targets[Level.RUN_TASK].append(world.add(ConfigurationVersion(**place)).id)
            world.access(team, project, "read")
            targets[Level.TEAM].append(team.id)
            targets[Level.PROJECT].append(project.id)
            world.varset(organization, project=project)
            world.team_token(team)
    return targets


def populate_people(world: World, person: Person, project: Project, workspace: Workspace) -> None:
    """What the project and the workspace have of people, and what was done to them."""
    world.project_member(project, person, "owner")
    world.project_token(project, "viewer")
    world.acl_entry(workspace, person, "owner")
    organization = {"organization_id": project.organization_id}
    world.add(RepositoryLink(**organization, project_id=project.id, url="https://example.test/a"))
    for place, role in (({"project_id": project.id}, "viewer"), ({"workspace_id": workspace.id}, "user")):
        invited = {"email": "new@example.test", "nonce": "n", "expires_at": now()}
        world.add(Invitation(**organization, **place, role=role, **invited))
    happened = {"action": "x.y", "actor_type": "users", "actor_name": "x", "subject_type": "x", "subject_id": "x"}
    there = {"environment_id": workspace.environment_id, "cell": workspace.cell, "workspace_id": workspace.id}
    for is_about_access in (False, True):
        for where_it_was in ({}, {"project_id": project.id}, {"project_id": project.id, **there}):
            event: dict[str, Any] = {**happened, **where_it_was, "changes": {}, "is_about_access": is_about_access}
            world.add(ActivityEvent(**organization, **event))


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__tablename__)
def test_one_row_and_many_rows_give_the_same_answer(model: Any, world: World, engine: Engine) -> None:
    targets = populate(world)
    grants = st.lists(
        st.sampled_from(list(Level)).flatmap(
            lambda level: st.tuples(
                st.just(level),
                st.sampled_from(targets[level]),
                st.frozensets(st.sampled_from(list(P)), max_size=6),
            )
        ),
        max_size=5,
    )

    @settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
    @given(granted=grants, permission=st.sampled_from(list(P)))
    def agree(granted: list[tuple[Level, str, frozenset[P]]], permission: P) -> None:
        somebody = Somebody()
        for level, target, permissions in granted:
            somebody.grants.add(level, target, permissions | {permission}, NOWHERE)
        with Session(engine) as session:
            rows: list[Any] = list(session.scalars(select(model).options(*OPTIONS.get(model, []))))
            in_memory = {row.id for row in rows if holds(somebody, permission, row)}
            in_sql = {row.id for row in session.scalars(select(model).where(where(somebody, permission, model)))}
        assert rows
        assert in_memory == in_sql

    agree()


@pytest.mark.parametrize(
    "model",
    [Project, Workspace, Team, TeamProject, Varset, StateVersion, StateVersionOutput],
    ids=lambda model: model.__tablename__,
)
def test_inside_one_organization_the_shorter_condition_selects_the_same_rows(
    model: Any, world: World, engine: Engine
) -> None:
    targets = populate(world)
    home = targets[Level.ORGANIZATION][0]
    levels = [
        Level.SITE,
        Level.ORGANIZATION,
        Level.PROJECT,
        Level.ENVIRONMENT,
        Level.CELL,
        Level.WORKSPACE,
        Level.TEAM,
        Level.VISIBLE_TEAMS,
        Level.SHARED_VARSETS,
    ]

    @settings(max_examples=12, deadline=None, derandomize=True)
    @given(
        granted=st.lists(
            st.sampled_from(levels).flatmap(lambda level: st.tuples(st.just(level), st.sampled_from(targets[level]))),
            max_size=4,
        ),
        permission=st.sampled_from(
            [P.PROJECT_READ, P.WORKSPACE_READ, P.TEAM_READ, P.PROJECT_READ_TEAMS, P.VARSET_READ, P.STATE_READ]
        ),
    )
    def agree(granted: list[tuple[Level, str]], permission: P) -> None:
        somebody = Somebody()
        for level, target in granted:
            somebody.grants.add(level, target, frozenset({permission}), NOWHERE)
        short = grant_levels(somebody, permission, model, home)
        inside = model.organization_id == home
        with Session(engine) as session:
            by_short = select(model.id).where(inside, visibility_clause(permission, model, short))
            by_full = select(model.id).where(inside, where(somebody, permission, model))
            found = set(session.scalars(by_short, visibility_parameters(somebody, permission, short)))
            assert found == set(session.scalars(by_full))

    agree()


@given(st.frozensets(st.sampled_from(list(P))), st.sampled_from(list(Level)))
@settings(max_examples=100, derandomize=True)
def test_a_grant_gives_nothing_that_the_policy_does_not_allow_at_its_level(
    permissions: frozenset[P], level: Level
) -> None:
    grants = Grants()
    grants.add(level, "target", permissions, NOWHERE)
    for permission in grants.at(level, "target"):
        assert level in POLICY[permission].levels
    assert grants.at(level, "another") == frozenset()


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__tablename__)
def test_without_grants_there_is_nothing(model: Any, world: World, engine: Engine) -> None:
    populate(world)
    with Session(engine) as session:
        for permission in P:
            found = select(func.count()).select_from(model).where(where(Somebody(), permission, model))
            assert session.scalar(found) == 0


def test_a_missing_row_is_a_no() -> None:
    somebody = Somebody()
    somebody.grants.add(Level.SITE, SITE, frozenset(P), NOWHERE)
    assert not holds(somebody, P.PROJECT_READ, None)


def test_a_level_that_a_table_does_not_name_never_reaches_it() -> None:
    somebody = Somebody()
    somebody.grants.add(Level.TEAM, "prj-1", frozenset(P), NOWHERE)

    class Row:
        id = "prj-1"
        organization_id = "org-1"

    assert permissions_on(somebody, Project.grant_columns, Row()) == frozenset()


def test_the_whole_site_is_everything() -> None:
    somebody = Somebody()
    somebody.grants.add(Level.SITE, SITE, frozenset({P.PROJECT_READ}), NOWHERE)
    assert grant_levels(somebody, P.PROJECT_READ, Project) == EVERYTHING
    assert grant_levels(somebody, P.PROJECT_UPDATE, Project) == ()
