"""Runs: their stages, their plan as a list of changes, their logs, and what somebody may do about them."""

import re
from hashlib import sha256
from typing import Any, Final

import orjson
from flask import Response, request

from app.console.api import Refused, Resource, ask, get, get_address, segment, send
from app.console.blueprint import blueprint
from app.console.log_text import LOG_BYTES, log_html
from app.console.pages import action, page, redirect_to, render
from app.console.plan_changes import ResourceChange, changes_of
from app.jsonapi.errors import BadParameter, NotFound
from app.resources.accounts.sign_in.authorization import Parameters, single_value
from app.web.answers import no_content

FINAL: Final = frozenset(
    {"applied", "planned_and_finished", "errored", "discarded", "canceled", "force_canceled", "policy_soft_failed"}
)
# The longest plan in JSON that is shown as a list, and the most changes in it.
PLAN_BYTES: Final = 8 * 1024 * 1024
CHANGES: Final = 500
OFFSET: Final = re.compile("[0-9]{1,15}")
PHASES: Final = ("plan", "apply")
ACTIONS: Final = {
    "apply": "confirmed",
    "discard": "discarded",
    "cancel": "canceled",
    "force-cancel": "canceled",
    "force-execute": "queued",
}


@blueprint.get("/<organization>/workspaces/<workspace>/runs/<run_id>")
@page
def show_run(organization: str, workspace: str, run_id: str) -> Response:
    """Show a run. A script loads the other parts into the page; without it, links lead to them.

    Open pages ask again and again with the version that they show, and mostly nothing has changed: that is one request
    to the API without what it includes, and no page.
    """
    is_live = request.headers.get("X-Part") == "live"
    if is_live and (known := request.headers.get("X-Version")) and known == _version(get(f"/runs/{run_id}").one):
        return no_content()
    run = get(f"/runs/{run_id}", {"include": "plan,apply,created_by"}).one
    place = {"organization": organization, "workspace": workspace, "run_id": run_id}
    phases = {name: phase for name in PHASES if (phase := run.related(name))}
    given: dict[str, Any] = {
        "org": organization,
        "run": run,
        "place": place,
        "waits": why_it_waits(run),
        "final": FINAL,
        "begun": [name for name, phase in phases.items() if _began(phase)],
        "version": _version(run),
    }
    if is_live:
        return render("run_live", **given)
    return render("run", **given, phases=phases)


def _version(run: Resource) -> str:
    """Another text whenever the live part of the page looks different, but for how long ago something was."""
    shown = [getattr(run, name) for name in ("status", "status_timestamps", "actions", "permissions")]
    return sha256(orjson.dumps([*shown, run.position_in_queue, run.message])).hexdigest()[:16]


@blueprint.get("/<organization>/<workspace>/runs/<run_id>")
@page
def find_run(organization: str, workspace: str, run_id: str) -> Response:
    """Lead to the page of a run from the address that terraform prints."""
    get(f"/runs/{run_id}")
    return redirect_to("console.show_run", "", organization=organization, workspace=workspace, run_id=run_id)


@blueprint.get("/<organization>/workspaces/<workspace>/runs/<run_id>/changes")
@page
def show_changes(organization: str, workspace: str, run_id: str) -> Response:
    """Show what the plan of a run would change."""
    place = {"organization": organization, "workspace": workspace, "run_id": run_id}
    plan = get(f"/runs/{run_id}/plan").one
    changes, is_cut = _changes(plan)
    return render("changes", org=organization, place=place, plan=plan, changes=changes, is_cut=is_cut)


@blueprint.get("/<organization>/workspaces/<workspace>/runs/<run_id>/checks")
@page
def show_checks(organization: str, workspace: str, run_id: str) -> Response:
    """Show what policies and run tasks say of a run."""
    place = {"organization": organization, "workspace": workspace, "run_id": run_id}
    query = {"include": "task_results,policy_evaluations", "page[count]": "false"}
    stages = get(f"/runs/{run_id}/task-stages", query)
    return render("checks", org=organization, place=place, stages=stages)


@blueprint.post("/<organization>/workspaces/<workspace>/runs/<run_id>/checks")
@action
def override_stage(organization: str, workspace: str, run_id: str, sent: Parameters) -> Response:
    """Let a run go on although a policy or a run task says no."""
    comment = single_value(sent, "comment") or ""
    stage = segment(single_value(sent, "stage"))
    send("POST", f"/task-stages/{stage}/actions/override", {"comment": comment} if comment else None)
    place = {"organization": organization, "workspace": workspace, "run_id": run_id}
    return redirect_to("console.show_run", "overridden", **place)


@blueprint.get("/<organization>/workspaces/<workspace>/runs/<run_id>/history")
@page
def show_history(organization: str, workspace: str, run_id: str) -> Response:
    """Show what happened in a run, with its comments."""
    place = {"organization": organization, "workspace": workspace, "run_id": run_id}
    events = get(f"/runs/{run_id}/run-events", {"include": "actor,comment", "page[size]": 100, "page[count]": "false"})
    return render("history", org=organization, place=place, events=events)


def why_it_waits(run: Resource) -> str:
    """Why nothing happens in a run, in words; empty if something does, or the run is over."""
    status, queue = run.status, run.position_in_queue
    if status == "pending":
        return "It waits for the workspace: another run is under way there, or somebody holds the lock."
    if status in {"plan_queued", "apply_queued"}:
        place = f" It is number {queue} in the queue." if queue else ""
        return f"It waits for an agent.{place}"
    if status in {"planned", "cost_estimated", "policy_checked"} and (run.actions or {}).get("is-confirmable"):
        return "It waits for somebody to confirm or discard it."
    return ""


@blueprint.get("/<organization>/workspaces/<workspace>/runs/<run_id>/logs/<phase>")
@page
def show_log(organization: str, workspace: str, run_id: str, phase: str) -> Response:
    """Show a log from its beginning; a script follows it by ``offset``."""
    found = _phase(run_id, phase)
    offset = request.args.get("offset")
    if offset is not None and not OFFSET.fullmatch(offset):
        raise BadParameter("The offset must be a number of bytes", parameter="offset")
    html, size, is_complete = _read(found, offset or "0")
    if offset is not None:
        following = {"html": html, "offset": int(offset) + size, "is_complete": is_complete}
        return Response(orjson.dumps(following), content_type="application/json")
    place = {
        "organization": organization,
        "workspace": workspace,
        "run_id": run_id,
        "phase": phase,
    }
    return render("log", org=organization, place=place, html=html, offset=size, is_complete=is_complete)


@blueprint.get("/<organization>/workspaces/<workspace>/runs/<run_id>/logs/<phase>/download")
@page
def download_log(organization: str, workspace: str, run_id: str, phase: str) -> Response:  # noqa: ARG001 - its address
    """Download a log with terraform's colours."""
    found, pieces, offset = _phase(run_id, phase), [], 0
    while found.log_read_url:
        piece = get_address(found.log_read_url, {"offset": offset, "limit": 1024 * 1024}).data
        pieces.append(piece.strip(b"\x02\x03"))
        offset += len(piece)
        if not piece or piece.endswith(b"\x03"):
            break
    headers = {"Content-Disposition": f'attachment; filename="{run_id}-{phase}.log"'}
    return Response(b"".join(pieces), headers=headers, content_type="text/plain; charset=utf-8")


def _phase(run_id: str, phase: str) -> Resource:
    if phase not in PHASES:
        raise NotFound
    return get(f"/runs/{run_id}/{phase}").one


def _began(phase: Resource) -> bool:
    return phase.status not in {"pending", "unreachable"} and bool(phase.log_read_url)


def _read(phase: Resource, offset: str) -> tuple[str, int, bool]:
    if not phase.log_read_url:
        return "", 0, False
    return log_html(get_address(phase.log_read_url, {"offset": offset, "limit": LOG_BYTES}).data)


def _changes(plan: Resource) -> tuple[list[ResourceChange] | None, bool]:
    """The changes of a plan, if it is there, can be seen and is not too long; and whether there are more."""
    if plan.status != "finished":
        return None, False
    try:
        answer = ask("GET", f"/plans/{plan.id}/json-output-redacted")
        if answer.status_code == 307:  # noqa: PLR2004
            answer = get_address(answer.headers["Location"])
    except Refused:
        return None, False
    if not answer.data or len(answer.data) > PLAN_BYTES:
        return None, False
    found = changes_of(orjson.loads(answer.data))
    return found[:CHANGES], len(found) > CHANGES


@blueprint.post("/<organization>/workspaces/<workspace>/runs/<run_id>/actions")
@action
def act_on_run(organization: str, workspace: str, run_id: str, sent: Parameters) -> Response:
    """Confirm, discard or cancel a run, depending on the button; the comment goes with it."""
    wanted = single_value(sent, "do") or ""
    place = {"organization": organization, "workspace": workspace, "run_id": run_id}
    if wanted not in ACTIONS:
        get(f"/runs/{run_id}")
        return redirect_to("console.show_run", "", **place)
    comment = single_value(sent, "comment") or ""
    send("POST", f"/runs/{run_id}/actions/{wanted}", {"comment": comment} if comment else None)
    return redirect_to("console.show_run", ACTIONS[wanted], **place)


@blueprint.post("/<organization>/workspaces/<workspace>/runs/<run_id>/comments")
@action
def comment_on_run(organization: str, workspace: str, run_id: str, sent: Parameters) -> Response:
    """Add a comment to a run."""
    body = {"data": {"type": "comments", "attributes": {"body": single_value(sent, "comment") or ""}}}
    send("POST", f"/runs/{run_id}/comments", body)
    place = {"organization": organization, "workspace": workspace, "run_id": run_id}
    return redirect_to("console.show_run", "commented", **place)
