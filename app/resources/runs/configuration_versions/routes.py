"""Configuration versions over HTTP (spec: configuration versions)."""

from collections.abc import Sequence
from typing import Any, Final

from flask import Blueprint, Response, request

from app.authz.permissions import P
from app.jsonapi.query import includes_of
from app.jsonapi.schema import load
from app.models.runs import Run
from app.resources.runs.configuration_versions import service
from app.resources.runs.configuration_versions.addresses import PREFIX, verify_ticket
from app.resources.runs.configuration_versions.listing import CONFIGURATION_VERSIONS, INCLUDES
from app.resources.runs.configuration_versions.schema import ConfigurationVersionSchema
from app.resources.workspaces.state_versions.access import workspace_for
from app.web.answers import resource_response
from app.web.guard import any_media_type, describes, open_to_all, requires
from app.web.includes import load_included
from app.web.listing import Include, ResourceObject
from app.web.requests import optional_body, sent_pieces

# The addresses for uploads are outside the API's prefix.
blueprint = Blueprint("configuration_versions", __name__)

API: Final = "/api/v2"
OF_WORKSPACE: Final = f"{API}/workspaces/<workspace_id>/configuration-versions"
ONE: Final = f"{API}/configuration-versions/<configuration_version_id>"
OF_RUN: Final = f"{API}/runs/<run_id>/configuration-version"
BYTES: Final = "application/octet-stream"
BINARY: Final = {"type": "string", "format": "binary"}


@blueprint.post(OF_WORKSPACE)
@requires(P.WORKSPACE_READ, P.RUN_PLAN, P.RUN_READ)
@describes(
    body=ConfigurationVersionSchema, is_partial=True, answer=ConfigurationVersionSchema, status=201, errors=(422,)
)
def create_configuration_version(workspace_id: str) -> Response:
    """Create a configuration version. The answer has the address to upload the files to."""
    workspace_for(workspace_id, P.RUN_PLAN)
    sent = load(ConfigurationVersionSchema, optional_body())
    return resource_response(service.create_configuration_version(workspace_id, sent, _source()), 201)


@blueprint.get(OF_WORKSPACE)
@requires(P.RUN_READ)
@describes(listing=CONFIGURATION_VERSIONS, includes=INCLUDES, errors=(400,))
def list_configuration_versions(workspace_id: str) -> Response:
    """List the configuration versions of a workspace, newest first."""
    workspace_for(workspace_id, P.RUN_READ)
    return CONFIGURATION_VERSIONS.page_response({"workspace_id": workspace_id}, include=_including())


@blueprint.get(ONE)
@requires(P.RUN_READ)
@describes(answer=ConfigurationVersionSchema, includes=INCLUDES, errors=(400,))
def show_configuration_version(configuration_version_id: str) -> Response:
    """Show a configuration version."""
    return _answer(configuration_version_id)


@blueprint.get(f"{ONE}/download")
@requires(P.RUN_READ)
@describes(answer=BINARY)
def download_configuration_version(configuration_version_id: str) -> Response:
    """Download the files of a configuration version as the archive that was uploaded; 404 if it is not there."""
    return Response(service.open_archive(configuration_version_id), content_type=BYTES)


@blueprint.get(OF_RUN)
@requires(P.RUN_READ)
@describes(answer=ConfigurationVersionSchema, includes=INCLUDES, errors=(400,))
def show_configuration_version_of_run(run_id: str) -> Response:
    """Show the configuration version that a run is made from."""
    return _answer(service.configuration_of_run(run_id))


@blueprint.get(f"{OF_RUN}/download")
@requires(P.RUN_READ)
@describes(answer=BINARY)
def download_configuration_version_of_run(run_id: str) -> Response:
    """Download the files that a run is made from; 404 if they were given up."""
    return Response(service.open_archive(service.configuration_of_run(run_id)), content_type=BYTES)


@blueprint.post(f"{ONE}/actions/archive")
@requires(P.RUN_READ, P.RUN_APPLY)
@describes(status=202, errors=(409,))
def archive_configuration_version(configuration_version_id: str) -> Response:
    """Give up the files of a configuration version. Its runs stay, and no new one can be made from it."""
    service.archive_configuration_version(configuration_version_id)
    response = Response(status=202)
    del response.headers["Content-Type"]
    return response


@blueprint.put(f"{PREFIX}<ticket>")
@open_to_all
@any_media_type
@describes(body=BINARY, errors=(400, 403, 409, 413, 422))
def upload_configuration(ticket: str) -> Response:
    """Upload the files of a configuration version as a `tar.gz`, without a token. The address is the permission."""
    service.upload(verify_ticket(ticket), sent_pieces)
    return Response(status=200, content_type=BYTES)


def _answer(version_id: str) -> Response:
    include = _including()
    row = CONFIGURATION_VERSIONS.get({"id": version_id})
    shown = CONFIGURATION_VERSIONS.to_resource(row)
    return resource_response(shown, included=include([row], [shown]) if include else None)


def _including() -> Include | None:
    wanted = includes_of(request.args, INCLUDES)
    if not wanted:
        return None

    def load(rows: Sequence[Any], _shown: list[ResourceObject]) -> list[ResourceObject]:
        return load_included(Run, {row.run_id for row in rows if row.run_id}) if "run" in wanted else []

    return load


def _source() -> str:
    # The terraform CLI sends this header when a configuration has a cloud block.
    sent = request.headers.get("X-Terraform-Integration")
    return "terraform+cloud" if sent == "cloud" else "tfe-api"
