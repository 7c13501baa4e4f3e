"""Locks of workspaces: who gets them, who gives them back, what is said to the others."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from time import monotonic, sleep
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine, text, update

from app.models import Organization, StateVersion, User, Workspace
from app.resources.workspaces.workspaces.locking import Holder, holder_of
from tests.support.activity import left_by_requests
from tests.support.api import Api, faults
from tests.support.personas import table
from tests.support.states import States
from tests.support.states import state as content
from tests.support.world import Person, World


@pytest.fixture
def workspace(world: World, acme: Organization) -> Workspace:
    """A free workspace."""
    return world.workspace(world.project(acme), "network")


def act(workspace: Workspace, action: str) -> str:
    return f"/workspaces/{workspace.id}/actions/{action}"


def lock_of(answer: Any) -> tuple[bool, str | None, Any]:
    attributes = answer["data"]["attributes"]
    return attributes["locked"], attributes["locked-reason"], answer["data"]["relationships"]["locked-by"]["data"]


BODIES: list[tuple[Any, str | None]] = [
    (None, None),
    ({}, None),
    ({"reason": "on purpose"}, "on purpose"),
    ({"reason": None}, None),
    ({"reason": ""}, ""),
    ({"data": None}, None),
    ({"data": {}}, None),
    ({"data": {"type": "", "attributes": {"reason": "Locked by Terraform"}}}, "Locked by Terraform"),
    ({"data": {"type": "workspaces", "attributes": None}}, None),
]


@pytest.mark.parametrize(("sent", "reason"), BODIES, ids=[str(sent) for sent, _ in BODIES])
def test_a_workspace_is_locked_and_unlocked(
    api: Api, owner: Person, workspace: Workspace, *, sent: Any, reason: str | None
) -> None:
    locked = api.post(act(workspace, "lock"), owner.token, sent, expect=200)
    assert lock_of(locked) == (True, reason, {"id": owner.id, "type": "users"})
    assert api.get(f"/workspaces/{workspace.id}", owner.token) == locked
    unlocked = api.post(act(workspace, "unlock"), owner.token, expect=200)
    assert lock_of(unlocked) == (False, None, None)
    assert api.get(f"/workspaces/{workspace.id}", owner.token) == unlocked


def test_who_is_renamed_keeps_the_lock_and_who_gets_the_name_does_not_get_it(
    api: Api, world: World, acme: Organization, owner: Person, workspace: Workspace
) -> None:
    namesake = world.member(acme)
    world.acl_entry(workspace, namesake, "owner")
    api.post(act(workspace, "lock"), owner.token, {}, expect=200)
    users = {user.id: user for user in world.all(User)}
    for person, name in ((owner, "somebody"), (namesake, owner.username)):
        users[person.id].username = name
        world.add(users[person.id])
    api.post(act(workspace, "unlock"), namesake.token, expect=409)
    api.post(act(workspace, "unlock"), owner.token, expect=200)


def test_no_document_may_be_sent_as_null(api: Api, owner: Person, workspace: Workspace) -> None:
    for action in ("lock", "unlock", "lock", "force-unlock"):
        assert api.raw("POST", act(workspace, action), owner.token, b"null").status_int == 200


BAD: list[tuple[Any, str, str]] = [
    ([], "The document must be an object", ""),
    ("x", "The document must be an object", ""),
    ({"reason": 1}, "Reason must be a string", "/reason"),
    ({"reason": "r" * 1_001}, "Reason is too long (maximum is 1000 characters)", "/reason"),
    ({"data": []}, "attributes must be an object", "/data/attributes"),
    ({"data": "x"}, "attributes must be an object", "/data/attributes"),
    ({"data": {"attributes": []}}, "attributes must be an object", "/data/attributes"),
    ({"data": {"attributes": {"reason": {}}}}, "Reason must be a string", "/data/attributes/reason"),
]


@pytest.mark.one_database
@pytest.mark.parametrize(("sent", "detail", "pointer"), BAD, ids=[str(sent)[:40] for sent, _, _ in BAD])
def test_a_bad_reason_locks_nothing(
    api: Api, owner: Person, workspace: Workspace, *, sent: Any, detail: str, pointer: str
) -> None:
    answer = api.post(act(workspace, "lock"), owner.token, sent, expect=422)
    # The empty pointer is the whole document, and empty lists and objects are the document "nothing".
    assert faults(answer) == [(detail, pointer)]
    assert lock_of(api.get(f"/workspaces/{workspace.id}", owner.token)) == (False, None, None)


def test_what_is_locked_is_not_locked_again(
    api: Api, world: World, acme: Organization, owner: Person, workspace: Workspace
) -> None:
    api.post(act(workspace, "lock"), owner.token, {"reason": "mine"}, expect=200)
    for token in (owner.token, world.owner(acme).token):
        answer = api.post(act(workspace, "lock"), token, {"reason": "mine now"}, expect=409)
        [error] = answer["errors"]
        assert (error["title"], error["status"]) == ("conflict", "409")
        assert error["detail"] == "Unable to lock workspace. The workspace is already locked by User ada."
    assert lock_of(api.get(f"/workspaces/{workspace.id}", owner.token))[1] == "mine"


def test_only_the_holder_unlocks(
    api: Api, world: World, acme: Organization, owner: Person, workspace: Workspace
) -> None:
    api.post(act(workspace, "lock"), owner.token, expect=200)
    for token in (world.owner(acme).token, world.person(site_role="admin").token):
        answer = api.post(act(workspace, "unlock"), token, expect=409)
        assert faults(answer) == [
            (
                (
                    "Unable to unlock workspace. The workspace is locked by User ada "
                    "and may not be unlocked except by them."
                ),
                "",
            )
        ]
    assert lock_of(api.get(f"/workspaces/{workspace.id}", owner.token))[0] is True


@pytest.mark.parametrize("action", ["unlock", "force-unlock"])
def test_what_is_free_is_not_unlocked(api: Api, owner: Person, workspace: Workspace, action: str) -> None:
    answer = api.post(act(workspace, action), owner.token, expect=409)
    [(detail, _)] = faults(answer)
    assert detail == "Unable to unlock workspace. The workspace is not locked."
    assert "is locked by" not in detail


def test_an_organization_token_gets_no_lock_so_that_no_apply_begins(
    api: Api, world: World, acme: Organization, owner: Person, workspace: Workspace
) -> None:
    token = world.token(acme)
    shown = api.get(f"/workspaces/{workspace.id}", token)["data"]["attributes"]
    assert (shown["permissions"]["can-lock"], shown["permissions"]["can-create-state-versions"]) == (False, False)
    api.post(act(workspace, "lock"), token, expect=404)
    # What a killed pipeline has left behind, it can take away.
    api.post(act(workspace, "lock"), owner.token, expect=200)
    api.post(act(workspace, "unlock"), token, expect=404)
    api.post(act(workspace, "force-unlock"), token, expect=200)


def test_a_team_is_named_as_such(api: Api, world: World, acme: Organization, owner: Person) -> None:
    workspace = world.workspace(
        world.project(acme), locked=True, locked_by_type="teams", locked_by_id="team-1", locked_by_name="platform"
    )
    assert holder_of(workspace) == Holder("teams", "team-1", "platform")
    answer = api.post(act(workspace, "unlock"), owner.token, expect=409)
    assert "is locked by Team platform" in faults(answer)[0][0]


def test_force_unlock_takes_the_lock_from_anybody(
    api: Api, world: World, acme: Organization, owner: Person, workspace: Workspace
) -> None:
    api.post(act(workspace, "lock"), owner.token, expect=200)
    unlocked = api.post(act(workspace, "force-unlock"), world.owner(acme).token, expect=200)
    assert lock_of(unlocked) == (False, None, None)


def state(world: World, workspace: Workspace, number: int, status: str, **members: Any) -> StateVersion:
    return world.add(
        StateVersion(
            organization_id=workspace.organization_id,
            workspace_id=workspace.id,
            number=number,
            serial=number,
            md5="0" * 32,
            status=status,
            **members,
        )
    )


def test_a_pending_state_version_keeps_the_lock(api: Api, world: World, owner: Person, workspace: Workspace) -> None:
    api.post(act(workspace, "lock"), owner.token, expect=200)
    state(world, workspace, 1, "pending")
    answer = api.post(act(workspace, "unlock"), owner.token, expect=422)
    assert "latest state version is still pending" in faults(answer)[0][0]
    api.post(act(workspace, "force-unlock"), owner.token, expect=200)
    assert [version.status for version in world.all(StateVersion)] == ["discarded"]
    api.post(act(workspace, "lock"), owner.token, expect=200)
    api.post(act(workspace, "unlock"), owner.token, expect=200)


@pytest.mark.parametrize("action", ["unlock", "force-unlock"])
def test_unlocking_publishes_the_newest_state(
    api: Api, world: World, owner: Person, workspace: Workspace, action: str
) -> None:
    api.post(act(workspace, "lock"), owner.token, expect=200)
    state(world, workspace, 1, "finalized", resource_count=1)
    newest = state(world, workspace, 2, "finalized", resource_count=7)
    shown = api.post(act(workspace, action), owner.token, expect=200)["data"]
    assert shown["attributes"]["resource-count"] == 7
    assert shown["attributes"]["latest-change-at"] > shown["attributes"]["created-at"]
    assert shown["relationships"]["current-state-version"]["data"] == {"id": newest.id, "type": "state-versions"}


@pytest.mark.parametrize("action", ["unlock", "force-unlock"])
@pytest.mark.parametrize("duration", [None, "project", "own"])
def test_what_unlocking_answers_is_what_is_shown_then(
    api: Api, world: World, acme: Organization, owner: Person, *, action: str, duration: str | None
) -> None:
    project = world.project(acme, auto_destroy_activity_duration="14d" if duration == "project" else None)
    own: dict[str, Any] = {"inherits_project_auto_destroy": False, "own_auto_destroy_activity_duration": "2h"}
    workspace = world.workspace(project, **(own if duration == "own" else {}))
    api.post(act(workspace, "lock"), owner.token, {"reason": "apply"}, expect=200)
    provider = 'provider["registry.opentofu.org/hashicorp/null"]'
    state(world, workspace, 1, "finalized", resource_count=7, providers={provider: {"null-resource": 7}})
    answered = api.post(act(workspace, action), owner.token, expect=200)
    assert answered["data"]["attributes"]["iac-tool"] == "opentofu"
    assert (answered["data"]["attributes"]["auto-destroy-at"] is not None) == (duration is not None)
    assert api.get(f"/workspaces/{workspace.id}", owner.token) == answered


@pytest.mark.only_postgresql
@pytest.mark.both_drivers
def test_a_workspace_that_is_moved_meanwhile_is_locked_where_it_is(
    app: Flask, world: World, acme: Organization, owner: Person, engine: Engine, workspace: Workspace
) -> None:
    other = world.project(acme)
    place = {"project_id": other.id, "environment_id": world.default_environment(other).id}
    waits = "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'transactionid'"
    with ThreadPoolExecutor(1) as pool:
        with engine.begin() as connection, engine.connect() as watching:
            connection.execute(update(Workspace).where(Workspace.__table__.c.id == workspace.id).values(place))
            locked = pool.submit(Api(app).post, act(workspace, "lock"), owner.token, expect=200)
            while not watching.scalar(text(waits)):
                watching.rollback()
                sleep(0.01)
        shown = locked.result(timeout=10)["data"]
    assert shown["relationships"]["project"]["data"]["id"] == other.id
    [event] = left_by_requests(world)
    assert (event.action, event.project_id) == ("workspaces.lock", other.id)


# What somebody may do who has this access to the project: lock, unlock the own lock, force somebody else's.
RIGHTS = table("""
                 | lock force-unlock
admin            | 200  200
maintain         | 200  200
write            | 200  404
read             | 404  404
custom           | 404  404
custom locking   | 200  404
none             | 404  404
""")


@pytest.mark.one_database
@pytest.mark.parametrize(("access", "action", "status"), RIGHTS, ids=str)
def test_locking_needs_the_right(
    api: Api,
    world: World,
    acme: Organization,
    owner: Person,
    workspace: Workspace,
    *,
    access: str,
    action: str,
    status: str,
) -> None:
    team = world.team(acme)
    if access != "none":
        project = next(each for each in world.all(type(world.default_project(acme))) if each.id == workspace.project_id)
        world.access(team, project, access.split(maxsplit=1)[0], {"locking": True} if "locking" in access else None)
    token = world.member(acme, team).token
    if action == "force-unlock":
        api.post(act(workspace, "lock"), owner.token, expect=200)
    api.post(act(workspace, action), token, expect=int(status))
    if action == "lock":
        api.post(act(workspace, "unlock"), token, expect=int(status))


def test_locks_of_workspaces_that_are_not_there_are_not_found(api: Api, owner: Person) -> None:
    for action in ("lock", "unlock", "force-unlock"):
        api.post(f"/workspaces/ws-1111111111111111/actions/{action}", owner.token, expect=404)


def test_locking_leaves_events(api: Api, world: World, owner: Person, workspace: Workspace) -> None:
    api.post(act(workspace, "lock"), owner.token, {"reason": "migration"}, expect=200)
    api.post(act(workspace, "lock"), owner.token, expect=409)
    api.post(act(workspace, "unlock"), owner.token, expect=200)
    api.post(act(workspace, "lock"), owner.token, expect=200)
    api.post(act(workspace, "force-unlock"), owner.token, expect=200)
    assert [(event.action, event.changes) for event in left_by_requests(world)] == [
        ("workspaces.lock", {"locked": [False, True], "locked-reason": [None, "migration"]}),
        ("workspaces.unlock", {"locked": [True, False], "locked-by": ["User ada", None]}),
        ("workspaces.lock", {"locked": [False, True], "locked-reason": [None, None]}),
        ("workspaces.force-unlock", {"locked": [True, False], "locked-by": ["User ada", None]}),
    ]


def test_of_two_who_lock_at_once_one_gets_it(app: Flask, world: World, owner: Person, workspace: Workspace) -> None:
    for _ in range(8):
        barrier = Barrier(4)

        def locking(_index: int, barrier: Barrier = barrier) -> int:
            barrier.wait(timeout=10)
            return int(Api(app).raw("POST", act(workspace, "lock"), owner.token).status_int)

        with ThreadPoolExecutor(4) as pool:
            assert sorted(pool.map(locking, range(4), timeout=60)) == [200, 409, 409, 409]
        Api(app).post(act(workspace, "unlock"), owner.token, expect=200)
    assert len(left_by_requests(world)) == 16


def test_a_locked_workspace_is_not_deleted_safely(api: Api, owner: Person, workspace: Workspace) -> None:
    api.post(act(workspace, "lock"), owner.token, expect=200)
    answer = api.post(act(workspace, "safe-delete"), owner.token, expect=409)
    assert "Workspace must be unlocked" in faults(answer)[0][0]
    api.delete(f"/workspaces/{workspace.id}", owner.token)


@pytest.mark.only_postgresql
@pytest.mark.both_drivers
@pytest.mark.parametrize("duration", [None, "2h"])
def test_unlocking_goes_by_the_projects_duration_after_it_has_waited(
    app: Flask, api: Api, world: World, acme: Organization, owner: Person, engine: Engine, *, duration: str | None
) -> None:
    project = world.project(acme, auto_destroy_activity_duration="14d")
    states = States(api, world.workspace(project, "waits"), owner.token)
    states.lock()
    states.put(states.create(content()), content())
    here = {"project": project.id, "duration": duration}
    waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted AND pid <> pg_backend_pid()")
    with ThreadPoolExecutor(1) as pool, engine.connect() as other:
        # As a change of the project does, which computes the times of its workspaces anew.
        other.execute(text("UPDATE projects SET auto_destroy_activity_duration = :duration WHERE id = :project"), here)
        other.execute(text("UPDATE workspaces SET auto_destroy_due_at = NULL WHERE project_id = :project"), here)
        unlocking = pool.submit(Api(app).raw, "POST", f"{states.path}/actions/unlock", owner.token)
        deadline = monotonic() + 20
        while other.scalar(waiting) == 0:
            assert monotonic() < deadline, "it does not wait"
            sleep(0.01)
        other.commit()
        assert unlocking.result().status_int == 200
    shown = api.get(states.path, owner.token)["data"]["attributes"]
    assert (shown["auto-destroy-at"] is None) == (duration is None)
    if duration:
        assert datetime.fromisoformat(shown["auto-destroy-at"]) < datetime.now(UTC) + timedelta(hours=3)
