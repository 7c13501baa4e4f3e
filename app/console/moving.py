"""Moving several workspaces of a project to another one, after a look at who has access here and there."""

from typing import Any

from flask import Response, request

from app.console.api import Document, Refused, Resource, get, segment, send
from app.console.blueprint import blueprint
from app.console.pages import action, page, redirect_to, render
from app.console.queries import LONG
from app.resources.accounts.sign_in.authorization import Parameters, single_value


@blueprint.get("/<organization>/projects/<project_id>/move")
@page
def show_move(organization: str, project_id: str) -> Response:
    """Show which workspaces were chosen, to which project they can go, and who has access to both."""
    return _page(organization, project_id, request.args.getlist("name"), request.args.get("to", ""))


def _page(organization: str, project_id: str, names: list[str], to: str, refused: Refused | None = None) -> Response:
    project = get(f"/projects/{project_id}").one
    chosen: Document | list[Any] = []
    if names:
        # As many as stand on a page.
        query = {"filter[names]": ",".join(names[:LONG]), "page[size]": LONG, "page[count]": "false"}
        chosen = get(f"/projects/{project_id}/workspaces", query)
    q = request.args.get("q", "")
    query = {"page[size]": LONG, "page[count]": "false", "sort": "name", **({"q": q} if q else {})}
    problem = refused.text if refused else ""
    given: dict[str, Any] = {"project": project, "chosen": chosen, "q": q, "problem": problem, "foreseen": None}
    if to:
        given["target"] = get(f"/projects/{segment(to)}").one
        try:
            given["foreseen"] = _foreseen(segment(to), [each.id for each in chosen])
        except Refused as error:
            given["problem"] = given["problem"] or error.text
    else:
        given["projects"] = get(f"/organizations/{organization}/projects", query)
    return render("move", refused.status if refused else 200, org=organization, **given)


def _foreseen(to: str, chosen: list[str]) -> Resource | None:
    """What the API says that the move would do."""
    document = {"data": [{"type": "workspaces", "id": identifier} for identifier in chosen]}
    answer = send("POST", f"/projects/{to}/relationships/workspaces", document, {"dry-run": "true"}) if chosen else None
    return answer.one if answer else None


@blueprint.post("/<organization>/projects/<project_id>/move")
@action
def move_workspaces(organization: str, project_id: str, sent: Parameters) -> Response:
    """Move the workspaces: all of them, or none."""
    to = segment(single_value(sent, "to"))
    chosen = (single_value(sent, "workspaces") or "").split()
    document = {"data": [{"type": "workspaces", "id": identifier} for identifier in chosen]}
    try:
        send("POST", f"/projects/{to}/relationships/workspaces", document)
    except Refused as refused:
        names = (single_value(sent, "names") or "").split()
        return _page(organization, project_id, names, to, refused)
    return redirect_to("console.show_project", "moved", organization=organization, project_id=to)
