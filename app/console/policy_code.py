"""The text of a policy, in Rego: shown, replaced, downloaded."""

from typing import Final

from flask import Response

from app.console.api import Refused, Resource, ask, segment, upload
from app.console.blueprint import blueprint
from app.console.pages import action, page, redirect_to, render
from app.console.place import SETTINGS_MAY, Place, entry_place, is_allowed
from app.console.section import ENTRIES, POLICY
from app.resources.accounts.sign_in.authorization import Parameters, single_value

CODE: Final = "code"
ENTRY: Final = ENTRIES[POLICY]


@blueprint.get(f"/<organization>/settings/{ENTRY}/<policy_id>/{CODE}")
@page
def show_code(organization: str, policy_id: str) -> Response:
    """Show the text of a policy, in a form to replace it."""
    return _page(entry_place(organization, ENTRY, policy_id))


def _page(place: Place, status: int = 200, text: str | None = None, problem: str = "") -> Response:
    return render(
        "policy_code",
        status,
        org=place.organization,
        place=place,
        name=CODE,
        text=_text(place.shown) if text is None else text,
        may_change=is_allowed(place, SETTINGS_MAY[POLICY]),
        problem=problem,
    )


def _text(policy: Resource) -> str:
    try:
        return ask("GET", f"/policies/{policy.id}/download").get_data(as_text=True)
    except Refused as refused:
        if refused.status != 404:  # noqa: PLR2004 - there is none yet
            raise
        return ""


@blueprint.post(f"/<organization>/settings/{ENTRY}/<policy_id>/{CODE}")
@action
def change_code(organization: str, policy_id: str, sent: Parameters) -> Response:
    """Replace the text of a policy."""
    place = entry_place(organization, ENTRY, policy_id)
    return save_code(organization, place.shown, single_value(sent, CODE) or "", "saved")


def save_code(organization: str, policy: Resource, text: str, done: str) -> Response:
    """Upload the text, and lead to the page with it. A text that is refused is shown there again."""
    text = text.replace("\r\n", "\n")
    if text:
        try:
            upload("PUT", f"/policies/{segment(policy.id)}/upload", text.encode(), "application/octet-stream")
        except Refused as refused:
            return _page(Place(POLICY, organization, policy), refused.status, text, refused.text)
    return redirect_to("console.show_code", done, organization=organization, policy_id=policy.id)
