"""What somebody was granted on projects and workspaces, as it is loaded for each request."""

from flask import Flask

from app.authentication.callers import load_caller, load_caller_with_sources
from app.authz.grants import Grants
from app.authz.permissions import P
from app.authz.policy import Level
from app.models import Organization, Project
from app.services import services
from tests.support.world import Person, World

CUSTOM = {"settings": "update", "workspace-create": True}


def granted(grants: Grants) -> dict[tuple[Level, P], set[str]]:
    """All of it, whatever it comes from."""
    return {(level, permission): set(grants.targets(level, permission)) for level in Level for permission in P}


def somebody(world: World, acme: Organization, projects: list[Project]) -> Person:
    """Somebody with several grants of each kind, some of them on the same places."""
    first, second, third, last = projects
    one, other = world.team(acme, allow_member_token_management=True), world.team(acme)
    person = world.member(acme, one, other)
    for project in projects[:3]:
        world.access(one, project, "read")
        workspaces = [world.workspace(project, cell="eu"), world.workspace(project)]
        for workspace in workspaces:
            world.workspace_access(other, workspace, "plan")
        world.acl_entry(workspaces[0], person, "admin")
    world.access(other, first, "custom", CUSTOM)
    world.access(other, second, "custom", CUSTOM)
    world.access(other, third, "custom", {**CUSTOM, "workspace-create": False})
    world.access(other, last, "maintain")
    world.project_member(first, person, "viewer", environment=world.default_environment(first))
    world.project_member(second, person, "admin", cells=["eu", "us"])
    world.project_member(third, person, "admin", cells=["eu", "us"])
    world.project_member(last, person, "member", environment=world.default_environment(last), cells=["eu"])
    return person


def test_grants_are_the_same_together_as_told_apart(app: Flask, world: World) -> None:
    acme = world.organization("acme", allow_force_delete_workspaces=True)
    elsewhere = world.organization("elsewhere")
    person = somebody(world, acme, [world.project(acme) for _ in range(4)])
    forceless = [world.project(elsewhere) for _ in range(2)]
    for project in forceless:
        world.project_member(project, person, "admin")
    key = services(app).settings.secret_key
    with services(app).engines.reading.connect() as connection:
        together = load_caller(connection, person.token, key, users_create_organizations=False)
        apart = load_caller_with_sources(connection, "users", person.id, users_create_organizations=False)
    assert together is not None
    assert apart is not None
    found = granted(together.grants)
    assert found == granted(apart.grants)
    assert all(found[level, P.WORKSPACE_READ] for level in (Level.PROJECT, Level.WORKSPACE, Level.CELL))
    assert len(found[Level.CELL, P.WORKSPACE_READ]) == 4
    assert len(found[Level.WORKSPACE, P.WORKSPACE_FORCE_DELETE]) == 3
    # By the organization's own leave, not by that of another one.
    assert found[Level.PROJECT, P.WORKSPACE_FORCE_DELETE].isdisjoint(project.id for project in forceless)
    assert found[Level.PROJECT, P.WORKSPACE_DELETE].issuperset(project.id for project in forceless)
