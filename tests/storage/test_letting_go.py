"""What is deleted takes its objects with it, and only those."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta

import pytest

from app.storage import ledger
from tests.support.states import States, state
from tests.support.sweeper import Sweeper, fill
from tests.support.world import World

NOT_AT_ALL = timedelta(0)


# --- what is let go of --------------------------------------------------------------------------------------------

DELETIONS = {
    "by force": ("DELETE", "/workspaces/{workspace}"),
    "by name": ("DELETE", "/organizations/acme/workspaces/net"),
    "safely": ("POST", "/workspaces/{workspace}/actions/safe-delete"),
    "with its project": ("DELETE", "/projects/{project}?force=true"),
    "with its organization": ("DELETE", "/organizations/acme"),
}


@pytest.mark.parametrize(("method", "path"), DELETIONS.values(), ids=DELETIONS)
def test_a_deleted_workspace_takes_its_objects_with_it(
    states: States, world: World, sweeper: Sweeper, method: str, path: str
) -> None:
    other = world.organization("other", owner=world.person("other"))
    kept = States(states.api, world.workspace(world.project(other), "net"), world.owner(other).token)
    fill(kept, 1)
    of_the_other = sweeper.files()
    fill(states)
    states.save(state(3, resources=0))
    assert len(sweeper.files()) == len(sweeper.listed()) == len(of_the_other) + 4
    path = path.format(workspace=states.workspace.id, project=states.workspace.project_id)
    states.api.send(method, path, states.token, expect=204)
    assert sweeper.files() == sweeper.listed() == of_the_other
    assert {folder.name for folder in sweeper.folders()} == {name.split("/")[1] for name in of_the_other}
    assert sweeper.sweep() == 0


def test_a_refused_deletion_takes_nothing(states: States, sweeper: Sweeper) -> None:
    fill(states)
    before = sweeper.files()
    states.api.post(f"{states.path}/actions/safe-delete", states.token, expect=409)
    assert sweeper.files() == sweeper.listed() == before
    assert sweeper.condemned() == 0


def test_the_sweep_takes_at_once_what_a_deletion_leaves(
    states: States, sweeper: Sweeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "AT_ONCE", 3)
    fill(states, 7)
    states.api.delete(states.path, states.token)
    assert len(sweeper.files()) == len(sweeper.listed()) == sweeper.condemned() == 5
    assert sweeper.sweep(timedelta(days=30)) == 5
    assert sweeper.files() == sweeper.listed() == set()


def test_a_deletion_costs_the_same_however_many_objects_there_are(
    world: World, states: States, statements: Callable[[], AbstractContextManager[list[str]]]
) -> None:
    project = world.project(world.organization("other", owner=world.person("other")))
    costs = []
    for count in (1, 30):
        here = States(states.api, world.workspace(project), world.person(site_role="admin").token)
        fill(here, count)
        with statements() as seen:
            here.api.delete(here.path, here.token)
        costs.append(len([statement for statement in seen if statement != "BEGIN IMMEDIATE"]))
    # Caller, lock, condemn the objects, which they are, delete, event; then whether a backup needs them, and their rows
    # in the ledger.
    assert costs == [8, 8]


def test_a_store_that_fails_does_not_fail_the_deletion(
    states: States,
    sweeper: Sweeper,
    broken: Callable[[str], None],
    caplog: pytest.LogCaptureFixture,
) -> None:
    fill(states, 3)
    broken("states/")
    states.api.delete(states.path, states.token)
    assert len(sweeper.files()) == sweeper.condemned() == 4
    # The first failure is enough: nobody waits for the others.
    assert len([record for record in caplog.records if "could not be removed" in record.getMessage()]) == 1
    assert sweeper.sweep() == 4
    assert sweeper.files() == sweeper.listed() == set()
