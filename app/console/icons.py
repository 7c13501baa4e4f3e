"""The icon of a project, as a page shows it and as people change it."""

import secrets
from typing import Final

from flask import Response, request

from app.console.api import Refused, ask, send, upload
from app.console.blueprint import blueprint
from app.console.pages import action, page
from app.console.settings import change_icon_refused, project_settings
from app.resources.accounts.sign_in.authorization import Parameters, single_value

FIELD: Final = "icon"


@blueprint.get("/<organization>/projects/<project_id>/icon")
@page
def show_icon(organization: str, project_id: str) -> Response:  # noqa: ARG001 - its address
    """Show the icon of a project, as an image."""
    found = ask("GET", f"/projects/{project_id}/icon")
    kept = ("Cache-Control", "Content-Security-Policy", "Content-Disposition", "ETag")
    shown = Response(found.data, content_type=found.content_type, headers={name: found.headers[name] for name in kept})
    shown.make_conditional(request)
    return shown


@blueprint.post("/<organization>/projects/<project_id>/icon")
@action
def change_icon(organization: str, project_id: str, sent: Parameters) -> Response:
    """Set the icon of a project, or remove it, depending on the button."""
    path = f"/projects/{project_id}/icon"
    if single_value(sent, "do") == "delete":
        send("DELETE", path)
        return project_settings(organization, project_id, "deleted")
    try:
        upload("POST", path, *_form_with(request.files[FIELD].read() if FIELD in request.files else b""))
    except Refused as refused:
        if refused.status not in {413, 422}:
            raise
        return change_icon_refused(organization, project_id, refused)
    return project_settings(organization, project_id, "saved")


def _form_with(content: bytes) -> tuple[bytes, str]:
    """The form that the API takes, and its media type."""
    boundary = secrets.token_hex(24)
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="{FIELD}"; filename="{FIELD}"\r\n\r\n'
    return b"".join(
        (head.encode(), content, f"\r\n--{boundary}--\r\n".encode())
    ), f"multipart/form-data; boundary={boundary}"
