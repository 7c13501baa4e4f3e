"""Ping and service discovery; both answer without a token."""

import orjson
from flask import Blueprint, Response

from app.resources.accounts.sign_in.authorization import CLIENT, FIRST_PORT, LAST_PORT
from app.web.answers import no_content
from app.web.guard import describes, open_to_all

blueprint = Blueprint("service", __name__)

# The cloud block looks for tfe.v2, the older remote backend for tfe.v2.1 and state.v2. There is no registry, so the
# addresses below modules.v1 are 404; but some clients do not start unless it is named.
SERVICES = {
    "tfe.v2": "/api/v2/",
    "tfe.v2.1": "/api/v2/",
    "tfe.v2.2": "/api/v2/",
    "state.v2": "/api/v2/",
    "modules.v1": "/api/registry/v1/modules/",
    "login.v1": {
        "client": CLIENT,
        "grant_types": ["authz_code"],
        "authz": "/oauth/authorization",
        "token": "/oauth/token",
        "ports": [FIRST_PORT, LAST_PORT],
    },
}


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
    return Response(orjson.dumps(SERVICES), content_type="application/json")
