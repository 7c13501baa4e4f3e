"""Ping and service discovery; both answer without a token."""

from datetime import UTC, datetime
from typing import Final

import orjson
from flask import Blueprint, Response, request

from app.resources.accounts.sign_in.authorization import CLIENT, FIRST_PORT, LAST_PORT
from app.web.addresses import sub_path
from app.web.answers import no_content
from app.web.guard import describes, open_to_all

blueprint = Blueprint("service", __name__)

# The cloud block looks for tfe.v2, the older remote backend for tfe.v2.1 and state.v2. There is no registry, so the
# addresses below modules.v1 are 404; but some clients do not start unless it is named.
SERVICES: Final[dict[str, str]] = {
    "tfe.v2": "/api/v2/",
    "tfe.v2.1": "/api/v2/",
    "tfe.v2.2": "/api/v2/",
    "state.v2": "/api/v2/",
    "modules.v1": "/api/registry/v1/modules/",
}
# As HCP Terraform names them. They have never been others since this release.
IP_RANGES: Final[dict[str, list[str]]] = {"api": [], "notifications": [], "sentinel": [], "vcs": []}
NEVER_CHANGED: Final = datetime(2026, 11, 30, tzinfo=UTC)


@blueprint.get("/api/v2/ping")
@open_to_all
@describes(status=204)
def ping() -> Response:
    """Show that the service is up; the headers have the API version."""
    return no_content()


@blueprint.get("/.well-known/terraform.json")
@open_to_all
@describes(answer={"type": "object"})
def discover() -> Response:
    """Service discovery for the terraform CLI: plain JSON, with or without a token."""
    root = sub_path()
    login = {
        "client": CLIENT,
        "grant_types": ["authz_code"],
        "authz": f"{root}/oauth/authorization",
        "token": f"{root}/oauth/token",
        "ports": [FIRST_PORT, LAST_PORT],
    }
    named = {name: root + path for name, path in SERVICES.items()}
    return Response(orjson.dumps({**named, "login.v1": login}), content_type="application/json")


@blueprint.get("/api/meta/ip-ranges")
@open_to_all
@describes(answer={"type": "object", "additionalProperties": {"type": "array", "items": {"type": "string"}}})
def show_ip_ranges() -> Response:
    """Show the addresses from which the service calls others, as plain JSON: from none.

    The addresses from which it sends notifications are those of its hosts, which their operator knows.
    """
    response = Response(orjson.dumps(IP_RANGES), content_type="application/json")
    response.last_modified = NEVER_CHANGED
    response.make_conditional(request)
    return response
