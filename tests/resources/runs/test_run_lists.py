"""Lists of runs: their filters, their includes, and the queue."""

from typing import Any

import pytest
from flask import Flask

from app.persistence import now
from tests.support.runs import Runs, uploaded_configuration
from tests.support.world import World


def listed(runs: Runs, query: str = "", *, of: str | None = None) -> list[str]:
    path = f"/organizations/{runs.organization.name}/runs" if of == "organization" else None
    answer = runs.api.get(f"{path or f'/workspaces/{runs.workspace.id}/runs'}?{query}", runs.owner.token)
    return [each["id"] for each in answer["data"]]


def test_filters(runs: Runs) -> None:
    made = {
        "first": runs.new(message="Add a SERVER"),
        "destroy": runs.new(is_destroy=True),
        "refresh": runs.new(refresh_only=True),
        "saved": runs.new(save_plan=True),
        "empty": runs.new(allow_empty_apply=True),
        "plan": runs.new(plan_only=True),
    }
    names = {identifier: name for name, identifier in made.items()}
    runs.act(made["destroy"], "cancel")

    def found(query: str) -> list[str]:
        return [names[each] for each in listed(runs, query)]

    assert found("") == ["empty", "saved", "refresh", "destroy", "first"]
    assert found("filter[operation]=plan_only") == ["plan"]
    assert found("filter[operation]=plan_and_apply") == ["first"]
    assert found("filter[operation]=save_plan,destroy") == ["saved", "destroy"]
    assert found("filter[operation]=refresh_only") == ["refresh"]
    assert found("filter[operation]=empty_apply") == ["empty"]
    assert found("filter[status]=pending") == ["empty", "refresh"]
    assert found("filter[status]=canceled,plan_queued") == ["saved", "destroy", "first"]
    assert found("filter[status_group]=final") == ["destroy"]
    assert found("filter[status_group]=discardable") == ["empty", "refresh"]
    assert found("filter[status_group]=non_final") == ["empty", "saved", "refresh", "first"]
    assert found("filter[source]=tfe-api") == found("")
    assert found("filter[source]=tfe-ui") == []
    assert found(f"filter[timeframe]={now().year}") == found("filter[timeframe]=year") == found("")
    assert found(f"filter[timeframe]={now().year - 1}") == []
    assert found(f"filter[agent_pool_names]={runs.pool.name.upper()}") == found("")
    assert found("filter[agent_pool_names]=other") == []
    assert found(f"search[user]={runs.owner.username}") == found("")
    assert found("search[user]=nobody") == []
    assert found("search[commit]=abc") == []
    assert found("search[basic]=a server") == ["first"]
    assert found(f"search[basic]={made['saved']}") == ["saved"]
    assert found("page[size]=2&page[number]=2") == ["refresh", "destroy"]


@pytest.mark.one_database
@pytest.mark.parametrize(
    "query",
    ["filter[operation]=none", "filter[status_group]=none", "filter[timeframe]=soon", "filter[timeframe]=99999"],
)
def test_a_wrong_filter_is_named(runs: Runs, query: str) -> None:
    answer = runs.api.get(f"/workspaces/{runs.workspace.id}/runs?{query}", runs.owner.token, expect=400)
    assert answer["errors"][0]["source"]["parameter"] == query.partition("=")[0]


def test_the_runs_of_an_organization(app: Flask, runs: Runs, world: World) -> None:
    other = runs.add_workspace()
    uploaded_configuration(app, world, other)
    mine = runs.new()
    theirs = runs.create(workspace=other)["data"]["id"]
    assert listed(runs, of="organization") == [theirs, mine]
    assert listed(runs, f"filter[workspace_names]={other.name}", of="organization") == [theirs]


def test_related_resources_are_included(runs: Runs) -> None:
    run_id = runs.new()
    answer = runs.api.get(
        f"/runs/{run_id}?include=plan,apply,created_by,workspace,task_stages,cost_estimate", runs.owner.token
    )
    assert {each["type"] for each in answer["included"]} == {"plans", "applies", "users", "workspaces"}
    shown = runs.api.get(f"/workspaces/{runs.workspace.id}?include=current_run,locked_by", runs.owner.token)
    assert [each["id"] for each in shown["included"] if each["type"] == "runs"] == [run_id]
    relationships = shown["data"]["relationships"]
    assert relationships["current-run"]["data"] == {"id": run_id, "type": "runs"}
    assert relationships["locked-by"]["data"] == {"id": run_id, "type": "runs"}
    found = runs.api.get(
        f"/organizations/{runs.organization.name}/workspaces?filter[current-run][status]=plan_queued", runs.owner.token
    )
    assert [each["id"] for each in found["data"]] == [runs.workspace.id]
    runs.api.get(f"/runs/{run_id}?include=other", runs.owner.token, expect=400)


def test_the_queue_and_the_capacity(runs: Runs) -> None:
    first, second, third = runs.new(), runs.new(), runs.new(plan_only=True)
    runs.agent.take().start()
    path = f"/organizations/{runs.organization.name}"
    queue = runs.api.get(f"{path}/runs/queue", runs.owner.token)["data"]
    assert [(each["id"], each["attributes"]["position-in-queue"]) for each in queue] == [
        (first, 0),
        (second, 1),
        (third, 2),
    ]
    capacity = runs.api.get(f"{path}/capacity", runs.owner.token)["data"]
    assert capacity["attributes"] == {"pending": 2, "running": 1}


def test_comments_and_events(runs: Runs) -> None:
    run_id = runs.new()
    sent: dict[str, Any] = {"data": {"type": "comments", "attributes": {"body": "Looks good"}}}
    comment = runs.api.post(f"/runs/{run_id}/comments", runs.owner.token, sent)["data"]
    assert runs.api.get(f"/comments/{comment['id']}", runs.owner.token)["data"] == comment
    events = runs.api.get(f"/runs/{run_id}/run-events?include=actor,comment", runs.owner.token)
    assert [each["attributes"]["action"] for each in events["data"]] == ["created", "plan-queued", "commented"]
    assert {each["type"] for each in events["included"]} == {"users", "comments"}
    assert events["data"][-1]["relationships"]["comment"]["data"]["id"] == comment["id"]
    event_id = events["data"][0]["id"]
    assert runs.api.get(f"/run-events/{event_id}", runs.owner.token)["data"]["id"] == event_id
