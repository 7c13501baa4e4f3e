"""Who may see runs, start them, and act on them."""

import pytest

from tests.support.api import document
from tests.support.runs import Runs

pytestmark = pytest.mark.one_database

ACTIONS = ("apply", "discard", "cancel", "force-cancel", "force-execute")


def member_with(runs: Runs, access: str) -> str:
    """The token of a member whose team has this access to the workspace."""
    team = runs.world.team(runs.organization)
    runs.world.workspace_access(team, runs.workspace, access)
    return runs.world.member(runs.organization, team).token


def test_strangers_and_readers(runs: Runs) -> None:
    run_id = runs.new()
    stranger = runs.world.person().token
    reader = member_with(runs, "read")
    plan_id = runs.api.get(f"/runs/{run_id}/plan", runs.owner.token)["data"]["id"]
    for path in (
        f"/runs/{run_id}",
        f"/runs/{run_id}/plan",
        f"/runs/{run_id}/apply",
        f"/runs/{run_id}/run-events",
        f"/runs/{run_id}/comments",
        f"/workspaces/{runs.workspace.id}/runs",
        f"/plans/{plan_id}",
    ):
        runs.api.get(path, stranger, expect=404)
        runs.api.get(path, reader)
    of = ("workspaces", runs.workspace.id)
    for token in (stranger, reader, runs.world.token(runs.organization)):
        runs.api.post("/runs", token, document("runs", workspace=of), expect=404)
        runs.api.post(f"/runs/{run_id}/comments", token, document("comments", {"body": "x"}), expect=404)
        for action in ACTIONS:
            runs.act(run_id, action, token=token, expect=404)
    runs.api.get(f"/plans/{plan_id}/json-output", reader, expect=404)
    assert runs.api.raw("GET", f"/plans/{plan_id}/json-output-redacted", reader).status_int == 204


def test_planners_plan_and_do_not_apply(runs: Runs) -> None:
    planner = member_with(runs, "plan")
    run_id = runs.create(token=planner)["data"]["id"]
    shown = runs.api.get(f"/runs/{run_id}", planner)["data"]["attributes"]
    assert shown["permissions"] == {
        "can-apply": False,
        "can-cancel": True,
        "can-comment": True,
        "can-discard": False,
        "can-force-cancel": False,
        "can-force-execute": False,
        "can-override-policy-check": False,
    }
    runs.agent.plan()
    for action in ("apply", "discard"):
        runs.act(run_id, action, token=planner, expect=404)
    runs.act(run_id, "apply")
    # Its apply is for those who may apply.
    runs.act(run_id, "cancel", token=planner, expect=404)
    runs.act(run_id, "cancel")
    for name in ("is-destroy", "auto-apply", "allow-empty-apply"):
        sent = document("runs", {name: True}, workspace=("workspaces", runs.workspace.id))
        runs.api.post("/runs", planner, sent, expect=403)


def test_a_planners_run_never_applies_by_itself(runs: Runs) -> None:
    path = f"/workspaces/{runs.workspace.id}"
    runs.api.patch(path, runs.owner.token, document("workspaces", {"auto-apply": True}))
    run_id = runs.create(token=member_with(runs, "plan"))["data"]["id"]
    runs.agent.plan()
    assert runs.status(run_id) == "planned"
    runs.act(run_id, "discard")
    applied = runs.create(token=member_with(runs, "write"))["data"]["id"]
    runs.agent.plan()
    assert runs.status(applied) == "apply_queued"


def test_writers_apply_and_do_not_cancel_by_force(runs: Runs) -> None:
    writer = member_with(runs, "write")
    run_id = runs.create(token=writer)["data"]["id"]
    runs.agent.take().start()
    runs.act(run_id, "cancel", token=writer)
    runs.act(run_id, "force-cancel", token=writer, expect=404)
    runs.act(run_id, "force-cancel", token=member_with(runs, "admin"), expect=409)
    runs.api.get(f"/runs/{run_id}/plan/json-output", writer, expect=404)


def test_variables_are_shown_to_those_who_read_variables(runs: Runs) -> None:
    run_id = runs.create(variables=[{"key": "region", "value": '"eu"'}])["data"]["id"]
    team = runs.world.team(runs.organization)
    runs.world.workspace_access(team, runs.workspace, "custom", details={"runs": "read", "variables": "none"})
    reader = runs.world.member(runs.organization, team).token
    assert runs.api.get(f"/runs/{run_id}", reader)["data"]["attributes"]["variables"] is None
    shown = runs.show(run_id)["variables"]
    assert shown == [{"key": "region", "value": '"eu"'}]
