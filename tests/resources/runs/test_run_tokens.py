"""The token that terraform gets in a run: it opens the states that the workspace may consume, and nothing else."""

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from app.models import RemoteStateConsumer, StateVersion, Workspace
from app.services import services
from tests.support.api import Api, document
from tests.support.runs import Runs
from tests.support.statement_costs import Statements, cost
from tests.support.states import OUTPUTS, States, fetch, state


def started(runs: Runs) -> str:
    """The token of a plan that an agent is working on."""
    runs.new()
    return str(runs.agent.take().start()["token"])


def shared(runs: Runs, workspace: Workspace) -> States:
    """The states of the workspace, of which there is one."""
    states = States(runs.api, workspace, runs.owner.token)
    states.save(state(outputs=OUTPUTS))
    return states


def reads(api: Api, workspace: Workspace, token: str) -> bool:
    """Whether the token reads the state; it must not read a part of it either."""
    addresses = (
        f"/workspaces/{workspace.id}",
        f"/workspaces/{workspace.id}/current-state-version",
        f"/workspaces/{workspace.id}/current-state-version-outputs",
    )
    statuses = {api.raw("GET", address, token).status_int for address in addresses}
    assert statuses in ({200}, {404})
    return statuses == {200}


def test_a_run_reads_the_state_of_its_own_workspace(runs: Runs) -> None:
    shared(runs, runs.workspace)
    token = started(runs)
    name = f"/organizations/{runs.organization.name}/workspaces/{runs.workspace.name}"
    assert runs.api.get(name, token)["data"]["id"] == runs.workspace.id
    assert runs.api.get(f"/organizations/{runs.organization.name}/entitlement-set", token)["data"]
    version = runs.api.get(f"/workspaces/{runs.workspace.id}/current-state-version", token)
    attributes = version["data"]["attributes"]
    assert fetch(runs.api, attributes["hosted-state-download-url"]) == state(outputs=OUTPUTS)
    assert attributes["hosted-state-upload-url"] is None


def test_the_settings_of_the_other_workspace_decide(runs: Runs) -> None:
    world = runs.world
    other_project = world.project(runs.organization)
    kinds: dict[str, tuple[Workspace, bool]] = {
        "closed": (world.workspace(runs.project), False),
        "global": (world.workspace(other_project, global_remote_state=True), True),
        "same project": (world.workspace(runs.project, project_remote_state=True), True),
        "other project": (world.workspace(other_project, project_remote_state=True), False),
        "consumed": (world.workspace(other_project), True),
        "consumer": (world.workspace(other_project), False),
        "elsewhere": (
            world.workspace(world.default_project(world.organization(owner=runs.owner)), global_remote_state=True),
            False,
        ),
    }
    world.add(RemoteStateConsumer(workspace_id=kinds["consumed"][0].id, consumer_id=runs.workspace.id))
    world.add(RemoteStateConsumer(workspace_id=runs.workspace.id, consumer_id=kinds["consumer"][0].id))
    for workspace, _ in kinds.values():
        shared(runs, workspace)
    token = started(runs)
    found = {name: reads(runs.api, workspace, token) for name, (workspace, _) in kinds.items()}
    assert found == {name: expected for name, (_, expected) in kinds.items()}
    listed = runs.api.get(f"/organizations/{runs.organization.name}/workspaces", token)["data"]
    assert {each["id"] for each in listed} == {
        runs.workspace.id,
        *(workspace.id for workspace, expected in kinds.values() if expected),
    }


def test_a_setting_that_is_taken_back_counts_at_once(runs: Runs) -> None:
    workspace = runs.world.workspace(runs.project, global_remote_state=True)
    shared(runs, workspace)
    token = started(runs)
    assert reads(runs.api, workspace, token)
    changed = document("workspaces", {"global-remote-state": False})
    runs.api.patch(f"/workspaces/{workspace.id}", runs.owner.token, changed)
    assert not reads(runs.api, workspace, token)


def test_the_token_ends_with_the_job(runs: Runs) -> None:
    shared(runs, runs.workspace)
    runs.new()
    job = runs.agent.take()
    first = str(job.start()["token"])
    second = str(job.start()["token"])
    path = f"/workspaces/{runs.workspace.id}"
    runs.api.get(path, first, expect=401)
    runs.api.get(path, second)
    job.finish()
    runs.api.get(path, second, expect=401)


@pytest.mark.one_database
def test_a_run_writes_nothing_and_reads_nothing_else(runs: Runs) -> None:
    shared(runs, runs.workspace)
    run_id = runs.new()
    token = str(runs.agent.take().start()["token"])
    api, workspace, organization = runs.api, runs.workspace.id, runs.organization.name
    for path in (
        "/account/details",
        f"/users/{runs.owner.id}",
        f"/runs/{run_id}",
        f"/workspaces/{workspace}/runs",
        f"/workspaces/{workspace}/vars",
        f"/workspaces/{workspace}/configuration-versions",
        f"/configuration-versions/{runs.configuration.id}",
        f"/projects/{runs.project.id}",
        f"/agent-pools/{runs.pool.id}",
        f"/organizations/{organization}/authentication-token",
    ):
        api.get(path, token, expect=404)
    for path in ("teams", "agent-pools", "varsets", "projects", "organization-memberships"):
        answer = api.raw("GET", f"/organizations/{organization}/{path}", token)
        assert answer.status_int == 404 or answer.json["data"] == [], path
    writes: list[tuple[str, str, Any]] = [
        ("POST", f"/workspaces/{workspace}/actions/lock", None),
        ("POST", f"/workspaces/{workspace}/actions/unlock", None),
        ("PATCH", f"/workspaces/{workspace}", document("workspaces", {"description": "mine"})),
        ("DELETE", f"/workspaces/{workspace}", None),
        ("POST", f"/runs/{run_id}/actions/cancel", None),
        ("POST", "/runs", document("runs", {}, workspace=("workspaces", workspace))),
        ("POST", f"/workspaces/{workspace}/state-versions", document("state-versions", {"serial": 9, "md5": "0" * 32})),
        ("POST", f"/workspaces/{workspace}/vars", document("vars", {"key": "a", "category": "env"})),
        ("POST", f"/organizations/{organization}/workspaces", document("workspaces", {"name": "mine"})),
        ("POST", "/api/agent/v1/agents", {}),
    ]
    for method, path, sent in writes:
        assert api.raw(method, path, token, sent).status_int in {403, 404}, f"{method} {path}"
    assert len(runs.world.all(StateVersion)) == 1


@pytest.mark.one_database
def test_what_only_looks_like_a_token_of_a_run_opens_nothing(api: Api) -> None:
    for token in ("run.", "run.atlasv1.x", f"run.{'x' * 600}"):
        api.get("/organizations", token, expect=401)


def test_requests_cost_the_same_however_many_states_are_shared(runs: Runs, statements: Statements) -> None:
    shared(runs, runs.workspace)
    token = started(runs)
    request = ("GET", f"/workspaces/{runs.workspace.id}/current-state-version", None)
    costs = []
    for _ in range(2):
        costs.append(cost(statements, runs.api, token, request))
        for _ in range(10):
            runs.world.workspace(runs.project, global_remote_state=True)
    # One more than for a person: what the run may consume.
    assert costs == [3, 3]


def test_a_token_is_stored_as_a_digest(app: Flask, runs: Runs) -> None:
    token = started(runs)
    with services(app).engines.reading.connect() as connection:
        stored = connection.execute(text("SELECT token_digest FROM run_jobs")).scalar_one()
    assert token.startswith("run.atlasv1.")
    assert token not in stored
