"""Configuration versions and the runs that are made from them."""

from typing import Any

import pytest

from tests.support.activity import left_by_requests
from tests.support.api import document, faults
from tests.support.configurations import ARCHIVE
from tests.support.runs import ARCHIVE as STORED
from tests.support.runs import Runs
from tests.support.statement_costs import Statements, cost
from tests.support.states import put


def announced(runs: Runs, *, token: str | None = None, expect: int = 201, **attributes: Any) -> Any:
    named = {name.replace("_", "-"): value for name, value in attributes.items()}
    path = f"/workspaces/{runs.workspace.id}/configuration-versions"
    sent = document("configuration-versions", named)
    return runs.api.post(path, token or runs.owner.token, sent, expect=expect)


def upload(runs: Runs, version: Any, *, expect: int = 200) -> Any:
    return put(runs.api, version["data"]["attributes"]["upload-url"], ARCHIVE, expect=expect)


def listed(runs: Runs, query: str = "") -> list[Any]:
    path = f"/workspaces/{runs.workspace.id}/runs?filter[operation]=plan_only,plan_and_apply{query}"
    return list(runs.api.get(path, runs.owner.token)["data"])


def set_mode(runs: Runs, **attributes: Any) -> None:
    runs.api.patch(f"/workspaces/{runs.workspace.id}", runs.owner.token, document("workspaces", attributes))


def test_an_upload_queues_a_run(runs: Runs) -> None:
    version = announced(runs)
    assert listed(runs) == []
    upload(runs, version)
    [run] = listed(runs)
    attributes = run["attributes"]
    assert (attributes["status"], attributes["source"]) == ("plan_queued", "tfe-configuration-version")
    assert (attributes["plan-only"], attributes["auto-apply"]) == (False, False)
    assert run["relationships"]["configuration-version"]["data"]["id"] == version["data"]["id"]
    assert run["relationships"]["created-by"]["data"]["id"] == runs.owner.id
    job = runs.agent.plan()
    assert job.document["run"]["id"] == run["id"]
    events = [event.action for event in left_by_requests(runs.world)]
    assert events[:3] == ["configuration-versions.create", "configuration-versions.upload", "runs.create"]
    # A retry of the upload queues no other run.
    upload(runs, version)
    assert len(listed(runs)) == 1


@pytest.mark.one_database
def test_a_speculative_upload_queues_a_run_that_only_plans(runs: Runs) -> None:
    upload(runs, announced(runs, speculative=True))
    [run] = listed(runs)
    assert run["attributes"]["plan-only"] is True
    assert not runs.is_locked()


@pytest.mark.one_database
def test_an_upload_may_queue_nothing(runs: Runs) -> None:
    upload(runs, announced(runs, auto_queue_runs=False))
    assert listed(runs) == []


@pytest.mark.one_database
def test_a_run_applies_by_itself_only_for_who_may_apply(runs: Runs) -> None:
    set_mode(runs, **{"auto-apply": True})
    team = runs.world.team(runs.organization)
    runs.world.workspace_access(team, runs.workspace, "plan")
    upload(runs, announced(runs, token=runs.world.team_token(team)))
    upload(runs, announced(runs))
    newest, first = listed(runs)
    assert (first["attributes"]["auto-apply"], newest["attributes"]["auto-apply"]) == (False, True)
    assert first["relationships"]["created-by"]["data"] is None


@pytest.mark.one_database
def test_a_local_workspace_queues_no_runs(runs: Runs) -> None:
    version = announced(runs)
    set_mode(runs, **{"execution-mode": "local"})
    [(detail, pointer)] = faults(announced(runs, expect=422))
    assert (pointer, "execution mode local" in detail) == ("/data/attributes/auto-queue-runs", True)
    assert upload(runs, version, expect=422).json["errors"][0]["code"] == "workspace-runs-locally"
    shown = runs.api.get(f"/configuration-versions/{version['data']['id']}", runs.owner.token)
    assert shown["data"]["attributes"]["status"] == "pending"
    upload(runs, announced(runs, auto_queue_runs=False))


def test_the_latest_upload_is_what_the_next_run_is_made_from(runs: Runs) -> None:
    latest, speculative, provisional = (
        announced(runs, auto_queue_runs=False, speculative=number == 1, provisional=number == 2) for number in range(3)
    )
    for version in (latest, speculative, provisional):
        upload(runs, version)
    announced(runs)
    run = runs.create()["data"]
    assert run["relationships"]["configuration-version"]["data"]["id"] == latest["data"]["id"]


def test_a_run_shows_includes_and_gives_its_configuration(runs: Runs) -> None:
    run_id = runs.new()
    token, path = runs.owner.token, f"/runs/{run_id}/configuration-version"
    shown = runs.api.get(path, token)["data"]
    assert shown == runs.api.get(f"/configuration-versions/{runs.configuration.id}", token)["data"]
    assert runs.api.raw("GET", f"{path}/download", token).body == STORED
    included = runs.api.get(f"/runs/{run_id}?include=configuration_version.ingress_attributes", token)["included"]
    assert included == [shown]
    stranger = runs.world.person().token
    for address in (path, f"{path}/download"):
        runs.api.get(address, stranger, expect=404)
        runs.api.get(address.replace(run_id, "run-1111111111111111"), token, expect=404)


def test_a_version_includes_the_latest_run_that_was_made_from_it(runs: Runs) -> None:
    path, token = f"/configuration-versions/{runs.configuration.id}", runs.owner.token
    assert runs.api.get(f"{path}?include=run", token)["included"] == []
    runs.new()
    latest = runs.new()
    for answer in (
        runs.api.get(f"{path}?include=run", token),
        runs.api.get(f"/workspaces/{runs.workspace.id}/configuration-versions?include=run,ingress_attributes", token),
    ):
        version = answer["data"][0] if isinstance(answer["data"], list) else answer["data"]
        assert version["relationships"]["run"]["data"] == {"type": "runs", "id": latest}
        assert [(each["type"], each["id"]) for each in answer["included"]] == [("runs", latest)]


def test_a_version_that_a_run_still_needs_is_not_archived(runs: Runs) -> None:
    upload(runs, announced(runs, auto_queue_runs=False))
    path = f"/configuration-versions/{runs.configuration.id}/actions/archive"
    sent = document("runs", {}, workspace=("workspaces", runs.workspace.id))
    sent["data"]["relationships"]["configuration-version"] = {
        "data": {"type": "configuration-versions", "id": runs.configuration.id}
    }
    run = runs.api.post("/runs", runs.owner.token, sent)["data"]
    [(detail, _)] = faults(runs.api.post(path, runs.owner.token, expect=409))
    assert (
        detail == f"transition not allowed: the configuration version can't be archived, because {run['id']} needs it"
    )
    runs.act(run["id"], "cancel")
    runs.api.post(path, runs.owner.token, expect=202)
    shown = runs.api.get(f"/runs/{run['id']}/configuration-version", runs.owner.token)["data"]
    assert shown["attributes"]["status"] == "archived"
    runs.api.get(f"/runs/{run['id']}/configuration-version/download", runs.owner.token, expect=404)
    [(detail, _)] = faults(runs.api.post("/runs", runs.owner.token, sent, expect=422))
    assert detail.startswith("invalid run parameters")


def test_an_upload_costs_the_same_however_many_runs_wait(runs: Runs, statements: Statements) -> None:
    runs.api.get("/organizations", runs.owner.token)
    costs = []
    for _ in range(3):
        address = announced(runs)["data"]["attributes"]["upload-url"].removeprefix("http://localhost")
        costs.append(cost(statements, runs.api, runs.owner.token, ("PUT", address, ARCHIVE)))
        for _ in range(3):
            upload(runs, announced(runs))
    # The first run of all is queued, the others wait.
    assert costs[1:] == [costs[1]] * 2


def test_a_workspace_names_the_version_that_the_next_run_is_made_from(runs: Runs) -> None:
    path, token = f"/workspaces/{runs.workspace.id}", runs.owner.token
    assert current(runs, path) == runs.configuration.id
    upload(runs, announced(runs, auto_queue_runs=False, speculative=True))
    announced(runs)
    assert current(runs, path) == runs.configuration.id
    newest = announced(runs, auto_queue_runs=False)
    upload(runs, newest)
    assert current(runs, path) == newest["data"]["id"]
    included = runs.api.get(f"{path}?include=current_configuration_version", token)["included"]
    assert [each["id"] for each in included] == [newest["data"]["id"]]
    other = runs.add_workspace()
    assert current(runs, f"/workspaces/{other.id}") is None


def current(runs: Runs, path: str) -> str | None:
    linked = runs.api.get(path, runs.owner.token)["data"]["relationships"]["current-configuration-version"]["data"]
    return None if linked is None else str(linked["id"])


def test_a_workspace_includes_the_parts_of_its_runs(runs: Runs) -> None:
    run_id = runs.new()
    path, token = f"/organizations/{runs.organization.name}/workspaces", runs.owner.token
    run = runs.api.get(f"/runs/{run_id}", token)["data"]["relationships"]
    for part in ("plan", "apply", "configuration_version"):
        included = runs.api.get(f"{path}?include=current_run.{part}", token)["included"]
        expected = {("runs", run_id), tuple(run[part.replace("_", "-")]["data"][name] for name in ("type", "id"))}
        assert {(each["type"], each["id"]) for each in included} == expected
    reader = runs.world.team_token(team := runs.world.team(runs.organization))
    runs.world.workspace_access(team, runs.workspace, "read")
    parts = runs.api.get(f"{path}?include=latest_run.plan,latest_run.apply", reader)["included"]
    assert {each["type"] for each in parts} == {"runs", "plans", "applies"}
