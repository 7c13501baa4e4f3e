"""The catalogue of cloud providers over HTTP, for every caller with a token."""

from typing import Final

from flask import Blueprint, Response

from app.authz.permissions import P
from app.jsonapi.dump import compile_dump
from app.jsonapi.errors import NotFound
from app.resources.projects.cloud_providers.catalogue import CATALOGUE, CloudProvider
from app.resources.projects.cloud_providers.schema import CloudProviderSchema
from app.web.answers import resource_response, single_page_response
from app.web.guard import describes, requires
from app.web.policy import require_public
from app.web.requests import refuse_filters

blueprint = Blueprint("cloud_providers", __name__, url_prefix="/api/v2")

_DUMP: Final = compile_dump(CloudProviderSchema, CloudProvider._fields)
_SHOWN: Final = {identifier: _DUMP(provider, frozenset()) for identifier, provider in CATALOGUE.items()}


@blueprint.get("/cloud-providers")
@requires(P.CLOUD_PROVIDER_READ)
@describes(answer=CloudProviderSchema, many=True, errors=(400,))
def list_cloud_providers() -> Response:
    """List the cloud providers that a project can name."""
    require_public(P.CLOUD_PROVIDER_READ)
    refuse_filters()
    return single_page_response(list(_SHOWN.values()))


@blueprint.get("/cloud-providers/<cloud_provider_id>")
@requires(P.CLOUD_PROVIDER_READ)
@describes(answer=CloudProviderSchema)
def show_cloud_provider(cloud_provider_id: str) -> Response:
    """Show a cloud provider."""
    require_public(P.CLOUD_PROVIDER_READ)
    if cloud_provider_id not in _SHOWN:
        raise NotFound
    return resource_response(_SHOWN[cloud_provider_id])
