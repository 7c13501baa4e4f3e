"""The console: pages for people, who see and do there what the API lets them.

The console has no rules and reads no tables. Its pages make requests to the API in the same process (``api.py``) and
show the answers.
"""

from flask import Flask, Response

from app.console import (
    account,
    assets,
    danger,
    formats,
    organizations,
    pages,
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
from app.web.guard import describes, open_to_all

# Imported so that their routes are registered.
__all__ = [
    "account",
    "assets",
    "danger",
    "install",
    "organizations",
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
