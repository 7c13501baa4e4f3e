"""The console: pages for people, who see and do there what the API lets them.

The console has no rules and reads no tables. Its pages make requests to the API in the same process (``api.py``) and
show the answers.
"""

from flask import Flask, Response
from werkzeug.exceptions import HTTPException

from app.console import (
    account,
    activity_table,
    admin,
    assets,
    danger,
    deleted,
    formats,
    icons,
    moving,
    organization_token,
    organizations,
    pages,
    policy_code,
    projects,
    runs,
    settings,
    sign_in,
    states,
    variables,
    workspaces,
)
from app.console.blueprint import blueprint
from app.jsonapi.errors import ApiError
from app.web.context import request_id
from app.web.errors import answer_failure
from app.web.guard import describes, open_to_all

# The status of an answer that nobody expected.
FAILED = 500

# Imported so that their routes are registered.
__all__ = [
    "account",
    "activity_table",
    "admin",
    "assets",
    "danger",
    "deleted",
    "icons",
    "install",
    "moving",
    "organization_token",
    "organizations",
    "policy_code",
    "projects",
    "runs",
    "settings",
    "sign_in",
    "states",
    "variables",
    "workspaces",
]


def install(app: Flask) -> None:
    """Register the pages and what their templates use."""
    formats.install(app)
    app.register_blueprint(blueprint)


@blueprint.get("/<path:address>")
@open_to_all
@describes()
def show_unknown(address: str) -> Response:
    """Say that there is no such page."""
    del address
    return pages.message_page(pages.TITLES[404], "There is no such page.", 404, pages.ADVICE[404])


@blueprint.errorhandler(ApiError)
def handle_api_error(error: ApiError) -> Response:
    """Show an error as a page."""
    return pages.error_page(error)


@blueprint.errorhandler(HTTPException)
def handle_http_exception(error: HTTPException) -> Response:
    """Show what Flask refuses as a page."""
    status = error.code or 500
    return pages.message_page(pages.TITLES.get(status, "That did not work"), error.description or "", status)


@blueprint.errorhandler(Exception)
def handle_unexpected(error: Exception) -> Response:
    """Show a failure as a page. The log has the rest, and the text of a failure may quote what somebody sent."""
    status = answer_failure(error).status_code
    text = (
        "Nothing was changed." if status != FAILED else f"The operators find the reason in the log, as {request_id()}."
    )
    return pages.message_page(pages.TITLES.get(status, "That failed"), text, status, pages.ADVICE.get(status, ""))
