"""Recovering deleted workspaces and projects: what comes back as it was, what does not, and who may."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine, select

from app.models import (
    ConfigurationVersion,
    Organization,
    OrganizationMembership,
    Project,
    ProjectMember,
    RecoverableItem,
    RemoteStateConsumer,
    Run,
    Var,
    VarsetWorkspace,
    Workspace,
    WorkspaceAclEntry,
)
from app.models.recoverable_items import KEPT
from app.models.recoverable_rows import OF_OTHERS, tables_below
from app.persistence import Base, now
from app.services import services
from app.storage.keyring import Keyring
from app.storage.rotation import reseal
from tests.support.activity import left_by_requests
from tests.support.api import Api, faults
from tests.support.contents import fill
from tests.support.recoverable import act, expire, items, keep_deleted, let_expire
from tests.support.services import replace_services
from tests.support.statement_costs import Statements, cost
from tests.support.states import OUTPUTS, States, state
from tests.support.sweeper import Sweeper
from tests.support.world import Person, World

NEW_KEY = "a-new-encryption-key-that-is-long-enough-0123456789"


@pytest.fixture(autouse=True)
def _recoverable(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    keep_deleted(app, monkeypatch)


@pytest.fixture
def project(world: World, acme: Organization) -> Project:
    return world.project(acme, "platform")


def contents(engine: Engine) -> dict[str, list[Any]]:
    """All rows that are below projects and workspaces, but for what is sealed, which is another text each time."""
    with engine.connect() as connection:
        return {
            table.name: sorted(
                (
                    repr([value for column, value in zip(table.columns, row, strict=True) if not is_sealed(column)])
                    for row in connection.execute(select(table))
                ),
            )
            for table in Base.metadata.sorted_tables
            if table in tables_below()
        }


def is_sealed(column: Any) -> bool:
    return bool(column.info.get("sealed"))


def test_a_project_comes_back_with_all_that_was_in_it(
    api: Api, world: World, acme: Organization, project: Project, owner: Person, engine: Engine
) -> None:
    fill(api, world, acme, project, owner.token)
    world.project_member(project, world.member(acme), "viewer", environment=world.environment(project))
    world.access(world.team(acme), project, "read")
    world.tag(project, "team", "platform")
    before = contents(engine)
    api.delete(f"/projects/{project.id}?force=true", owner.token)
    assert contents(engine) != before
    [item] = items(api, owner.token)
    act(api, item, "recover", owner.token)
    after = contents(engine)
    changed = {name for name in after if after[name] != before[name]}
    assert changed <= set(OF_OTHERS), "but for links that belong to something beside the project"
    # What its workspaces let others read and are triggered by came back, and not what others let them read.
    assert len(before["remote_state_consumers"]) - len(after["remote_state_consumers"]) == 1
    assert len(before["run_triggers"]) - len(after["run_triggers"]) == 1
    assert after["varset_workspaces"] == []
    assert items(api, owner.token) == []
    [told] = [event for event in left_by_requests(world) if event.action == "projects.recover"]
    assert told.changes["left-out-varset-workspaces"] == [None, 2]


def test_what_gives_access_to_whoever_has_it_does_not_come_back(
    api: Api, world: World, acme: Organization, project: Project, owner: Person
) -> None:
    fill(api, world, acme, project, owner.token)
    token = world.project_token(project, "owner")
    api.delete(f"/projects/{project.id}?force=true", owner.token)
    [item] = items(api, owner.token)
    act(api, item, "recover", owner.token)
    api.get(f"/projects/{project.id}", owner.token)
    api.get(f"/projects/{project.id}", token, expect=401)
    assert api.get(f"/projects/{project.id}/invitations", owner.token)["data"] == []


@pytest.mark.parametrize("way", ["by force", "safely", "by name", "wipe", "environment"])
def test_a_workspace_comes_back_however_it_was_deleted(
    api: Api, world: World, acme: Organization, project: Project, owner: Person, engine: Engine, way: str
) -> None:
    environment = world.environment(project, "staging")
    workspace = world.workspace(project, "net", environment_id=environment.id, resource_count=int(way == "by force"))
    world.add(Var(organization_id=acme.id, workspace_id=workspace.id, key="region", category="env", value="here"))
    before = contents(engine)
    method, path = {
        "by force": ("DELETE", f"/workspaces/{workspace.id}"),
        "safely": ("POST", f"/workspaces/{workspace.id}/actions/safe-delete"),
        "by name": ("DELETE", "/organizations/acme/workspaces/net"),
        "wipe": ("POST", f"/projects/{project.id}/actions/wipe"),
        "environment": ("DELETE", f"/environments/{environment.id}?force=true"),
    }[way]
    api.send(method, path, owner.token, expect=200 if way == "wipe" else 204)
    api.get(f"/workspaces/{workspace.id}", owner.token, expect=404)
    [item] = items(api, owner.token)
    assert item["attributes"]["recoverable-name"] == "net"
    assert item["attributes"]["unmanaged-resources"] == workspace.resource_count
    assert item["relationships"]["recoverable"]["data"] == {"type": "workspaces", "id": workspace.id}
    assert item["relationships"]["project"]["data"]["id"] == project.id
    assert item["relationships"]["deleted-by"]["data"]["id"] == owner.id
    act(api, item, "recover", owner.token)
    after = contents(engine)
    if way == "environment":
        # Its environment is gone, so it is in the default one.
        assert world.all(Workspace)[0].environment_id == world.default_environment(project).id
        assert after["vars"] == before["vars"]
    else:
        assert after == before


def test_states_can_be_read_after_it_and_their_objects_stay_meanwhile(
    app: Flask, api: Api, world: World, project: Project, owner: Person
) -> None:
    workspace = world.workspace(project, "net")
    sweeper = Sweeper(app)
    states = States(api, workspace, owner.token)
    first, second = states.save(state(1)), states.save(state(2, outputs=OUTPUTS))
    files = sweeper.files()
    api.delete(f"/workspaces/{workspace.id}", owner.token)
    sweeper.sweep()
    assert sweeper.files() == files
    [item] = items(api, owner.token)
    act(api, item, "recover", owner.token)
    assert states.current() == second
    assert states.fetched(first) == state(1)
    assert states.fetched(second) == state(2, outputs=OUTPUTS)
    sweeper.sweep()
    assert states.fetched(first) == state(1)


@pytest.mark.parametrize("end", ["permanently-delete", "expire", "organization"])
def test_objects_go_at_the_end(app: Flask, api: Api, world: World, project: Project, owner: Person, end: str) -> None:
    workspace = world.workspace(project, "net")
    sweeper = Sweeper(app)
    before = sweeper.files()
    States(api, workspace, owner.token).save(state(1))
    api.delete(f"/workspaces/{workspace.id}", owner.token)
    [item] = items(api, owner.token)
    if end == "permanently-delete":
        act(api, item, "permanently-delete", owner.token)
    elif end == "organization":
        api.delete("/organizations/acme", owner.token)
    else:
        let_expire(world)
        expire(app)
    sweeper.sweep()
    assert sweeper.files() == before


def test_rows_are_read_with_another_master_key(
    app: Flask, api: Api, world: World, project: Project, owner: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = world.workspace(project, "net")
    states = States(api, workspace, owner.token)
    version = states.save(state(1, outputs=OUTPUTS))
    api.delete(f"/workspaces/{workspace.id}", owner.token)
    old = services(app)
    both = Keyring([NEW_KEY, *old.settings.encryption_keys])
    reseal(old.engines.writing, both)
    with monkeypatch.context() as patch:
        replace_services(
            patch, app, keyring=Keyring([NEW_KEY]), vault=type(old.vault)(old.vault.store, Keyring([NEW_KEY]))
        )
        [item] = items(api, owner.token)
        act(api, item, "recover", owner.token)
        assert states.fetched(version) == state(1, outputs=OUTPUTS)


def test_runs_that_were_under_way_do_not_come_back(
    api: Api, world: World, acme: Organization, project: Project, owner: Person
) -> None:
    workspace = world.workspace(project, "net")
    place = {"organization_id": acme.id, "workspace_id": workspace.id}
    version = world.add(ConfigurationVersion(**place))
    place |= {"configuration_version_id": version.id, "message": "", "pool": "x"}
    ended = world.add(Run(**place, number=1, status="applied"))
    under_way = world.add(Run(**place, number=2, status="planning"))
    lock = {"locked": True, "locked_by_type": "runs", "locked_by_id": under_way.id, "locked_by_name": "a run"}
    world.change(workspace, current_run_id=under_way.id, latest_run_id=under_way.id, **lock)
    api.delete(f"/workspaces/{workspace.id}", owner.token)
    [item] = items(api, owner.token)
    act(api, item, "recover", owner.token)
    assert [run.id for run in world.all(Run)] == [ended.id]
    [there] = world.all(Workspace)
    assert (there.locked, there.locked_by_id, there.current_run_id, there.latest_run_id) == (False, None, None, None)


def test_what_it_referred_to_may_be_gone(
    api: Api, world: World, acme: Organization, project: Project, owner: Person
) -> None:
    workspace, other = world.workspace(project, "net"), world.workspace(project, "other")
    person, pool, team = world.member(acme), world.pool(acme), world.team(acme)
    world.acl_entry(workspace, person, "developer")
    world.workspace_access(team, workspace, "read")
    world.change(workspace, own_execution_mode="agent", own_agent_pool_id=pool.id, own_auto_destroy_at=now())
    api.delete(f"/workspaces/{workspace.id}", owner.token)
    for gone in (pool, team, world.all(OrganizationMembership)[-1]):
        world.remove(gone)
    [item] = items(api, owner.token)
    act(api, item, "recover", owner.token)
    [there] = [each for each in world.all(Workspace) if each.id != other.id]
    assert (there.own_agent_pool_id, there.own_execution_mode) == (None, None)
    assert (there.own_auto_destroy_at, there.auto_destroy_due_at) == (None, None), "nothing is destroyed at once"
    assert world.all(WorkspaceAclEntry) == []


def test_an_entry_that_came_with_a_role_ends_with_it(
    api: Api, world: World, acme: Organization, project: Project, owner: Person
) -> None:
    person = world.member(acme)
    world.project_member(project, person, "admin")
    workspace = world.workspace(project, "net")
    entry = world.acl_entry(workspace, person, "owner")
    world.change(entry, created_in_id=project.id)
    api.delete(f"/workspaces/{workspace.id}", owner.token)
    for role in world.all(ProjectMember):
        world.remove(role)
    [item] = items(api, owner.token)
    act(api, item, "recover", owner.token)
    assert world.all(WorkspaceAclEntry) == []
    api.get(f"/workspaces/{workspace.id}", person.token, expect=404)


def test_a_role_that_was_given_since_brings_no_level_back(
    api: Api, world: World, acme: Organization, project: Project, owner: Person
) -> None:
    person = world.member(acme)
    role = world.project_member(project, person, "member")
    workspace = world.workspace(project, "net")
    world.change(world.acl_entry(workspace, person, "developer"), created_in_id=project.id)
    api.delete(f"/workspaces/{workspace.id}", owner.token)
    world.remove(role)
    world.project_member(project, person, "viewer")
    [item] = items(api, owner.token)
    act(api, item, "recover", owner.token)
    assert world.all(WorkspaceAclEntry) == []


def test_what_others_let_it_read_does_not_come_back(
    api: Api, world: World, acme: Organization, project: Project, owner: Person
) -> None:
    workspace, provider = world.workspace(project, "net"), world.workspace(world.project(acme), "provider")
    world.add(RemoteStateConsumer(workspace_id=provider.id, consumer_id=workspace.id))
    world.add(RemoteStateConsumer(workspace_id=workspace.id, consumer_id=provider.id))
    world.add(VarsetWorkspace(varset_id=world.varset(acme).id, workspace_id=workspace.id))
    api.delete(f"/workspaces/{workspace.id}", owner.token)
    [item] = items(api, owner.token)
    act(api, item, "recover", owner.token)
    assert [(row.workspace_id, row.consumer_id) for row in world.all(RemoteStateConsumer)] == [
        (workspace.id, provider.id)
    ]
    assert world.all(VarsetWorkspace) == []


def test_each_link_to_something_else_has_an_owner() -> None:
    """Who has access, and what is attached to a workspace, belongs to it; every other link has to be thought about."""
    below = {table.name for table in tables_below()}
    known = {*OF_OTHERS, "notification_configurations", "project_members", "team_projects", "team_workspaces"}
    known |= {"workspace_acl_entries", "workspace_tasks"}
    found = {
        table.name
        for table in tables_below()
        for key in table.foreign_key_constraints
        if key.ondelete == "CASCADE" and key.referred_table.name not in {*below, "organizations"}
    }
    assert found - known == set()


def test_a_dry_run_keeps_nothing(
    api: Api, world: World, project: Project, owner: Person, statements: Statements
) -> None:
    world.workspace(project, "net")
    with statements() as seen:
        api.delete(f"/projects/{project.id}?force=true&dry-run=true", owner.token, expect=200)
    assert not [each for each in seen if "recoverable" in each and each.startswith("INSERT")]


def test_its_name_may_be_taken_and_its_project_gone(
    api: Api, world: World, acme: Organization, project: Project, owner: Person
) -> None:
    workspace = world.workspace(project, "net")
    api.delete(f"/workspaces/{workspace.id}", owner.token)
    [item] = items(api, owner.token)
    other = world.workspace(world.default_project(acme), "net")
    taken = "A workspace of this organization has its name now. Rename that one, and recover then"
    assert faults(act(api, item, "recover", owner.token, 422)) == [(taken, "")]
    api.delete(f"/projects/{project.id}", owner.token)
    [of_project] = [each for each in items(api, owner.token) if each["id"] != item["id"]]
    gone = (
        f"The project {project.id} of the workspace was deleted, too. Recover it first: it is the recoverable item "
        f"{of_project['id']}"
    )
    assert faults(act(api, item, "recover", owner.token, 422)) == [(gone, "")]
    act(api, of_project, "recover", owner.token)
    world.remove(other)
    act(api, item, "recover", owner.token)
    assert api.get(f"/workspaces/{workspace.id}", owner.token)["data"]["attributes"]["name"] == "net"


@pytest.mark.parametrize(
    ("before", "detail"),
    [
        ("recover", "Recoverable item has already been recovered"),
        (
            "permanently-delete",
            "Recoverable item has been manually permanently deleted, and is no longer eligible for recovery",
        ),
        ("expire", "Recoverable item has expired and is no longer eligible for recovery"),
    ],
)
def test_an_item_ends_once(
    app: Flask, api: Api, world: World, project: Project, owner: Person, before: str, detail: str
) -> None:
    api.delete(f"/workspaces/{world.workspace(project, 'net').id}", owner.token)
    [item] = items(api, owner.token)
    if before == "expire":
        let_expire(world)
    else:
        act(api, item, before, owner.token)
    for verb in ("recover", "permanently-delete"):
        assert faults(act(api, item, verb, owner.token, 422)) == [(detail, "")]
    if before == "expire":
        expire(app)
    shown = api.get(f"/recoverable-items/{item['id']}", owner.token)["data"]["attributes"]
    assert (shown["recovered-at"] is None, shown["permanently-deleted-at"] is None) == (
        before != "recover",
        before == "recover",
    )
    assert items(api, owner.token) == []
    world.change(world.all(RecoverableItem)[0], ended_at=now() - timedelta(days=31))
    expire(app)
    assert world.all(RecoverableItem) == []


def test_a_new_name_is_free_at_once(api: Api, world: World, project: Project, owner: Person) -> None:
    api.delete(f"/workspaces/{world.workspace(project, 'net').id}", owner.token)
    assert world.workspace(project, "net").name == "net"
    assert [item.status for item in world.all(RecoverableItem)] == [KEPT]


@pytest.mark.parametrize("count", [1, 30])
def test_statements_do_not_depend_on_how_much_is_kept(
    api: Api, world: World, acme: Organization, project: Project, owner: Person, statements: Statements, count: int
) -> None:
    for _ in range(count):
        workspace = world.workspace(project)
        world.add(Var(organization_id=acme.id, workspace_id=workspace.id, key="a", category="env", value="b"))
    # caller, lock, workspaces; the item and its reading; objects and what of them is kept; deletions and events
    assert cost(statements, api, owner.token, ("DELETE", f"/projects/{project.id}?force=true", None)) < 70


def test_without_days_nothing_is_kept(
    app: Flask, api: Api, world: World, project: Project, owner: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep_deleted(app, monkeypatch, days=0)
    api.delete(f"/workspaces/{world.workspace(project, 'net').id}", owner.token)
    assert items(api, owner.token) == []
    assert world.all(RecoverableItem) == []
