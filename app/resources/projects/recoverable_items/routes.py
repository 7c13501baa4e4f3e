"""Recoverable items over HTTP (spec: HCP's API document)."""

from flask import Blueprint, Response, request

from app.authz.permissions import P
from app.jsonapi.query import includes_of
from app.models.recoverable_items import KEPT
from app.resources.projects.recoverable_items import service
from app.resources.projects.recoverable_items.listing import INCLUDES, RECOVERABLE_ITEMS, including
from app.resources.projects.recoverable_items.schema import RecoverableItemSchema
from app.web.answers import no_content, resource_response
from app.web.guard import describes, requires
from app.web.policy import organization_or_404

blueprint = Blueprint("recoverable_items", __name__, url_prefix="/api/v2")


@blueprint.get("/organizations/<organization>/recoverable-items")
@requires(P.ORGANIZATION_READ, P.WORKSPACE_FORCE_DELETE, P.PROJECT_READ, P.USER_READ)
@describes(listing=RECOVERABLE_ITEMS, includes=INCLUDES, errors=(400,))
def list_recoverable_items(organization: str) -> Response:
    """List the deleted workspaces and projects of an organization that can be recovered, what expires first first.

    They are shown to who may delete by force where they were.
    """
    org = organization_or_404(organization, P.ORGANIZATION_READ)
    wanted = includes_of(request.args, INCLUDES)
    return RECOVERABLE_ITEMS.page_response({"organization_id": org.id, "status": KEPT}, include=including(wanted))


@blueprint.get("/recoverable-items/<item_id>")
@requires(P.WORKSPACE_FORCE_DELETE)
@describes(answer=RecoverableItemSchema)
def show_recoverable_item(item_id: str) -> Response:
    """Show what was deleted, or what became of it, for a month after that."""
    return resource_response(RECOVERABLE_ITEMS.get_resource({"id": item_id}))


@blueprint.put("/recoverable-items/<item_id>/actions/recover")
@requires(P.WORKSPACE_FORCE_DELETE, P.PROJECT_FORCE_DELETE)
@describes(status=204, errors=(403, 422))
def recover_item(item_id: str) -> Response:
    """Recover a deleted workspace, or a project with its workspaces, under its old id and name.

    Its settings, variables, states, ended runs, tags and access come back; of these, what belonged to something that
    is gone by now does not. Tokens of a project, invitations, and runs that were under way when it was deleted do not,
    nor what others had linked to it: variable sets, policy sets, agent pools, and states that it was allowed to read.
    """
    service.recover(item_id)
    return no_content()


@blueprint.put("/recoverable-items/<item_id>/actions/permanently-delete")
@requires(P.WORKSPACE_FORCE_DELETE, P.PROJECT_FORCE_DELETE)
@describes(status=204, errors=(403, 422))
def delete_item_for_good(item_id: str) -> Response:
    """Delete what is kept of a workspace or project at once, with its states. Nothing can bring it back then."""
    service.delete_for_good(item_id)
    return no_content()
