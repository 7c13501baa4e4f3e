"""Use cases of workspaces by name: each checks the caller, changes in one transaction and records its event."""

from collections.abc import Mapping, Sequence
from typing import Any

from app.authz.permissions import P
from app.jsonapi.errors import Forbidden
from app.models.invitations import Invitation
from app.models.workspaces import Workspace
from app.resources.access.invitations.service import renew_invitations
from app.resources.workspaces.workspaces.service import change_workspace
from app.web.listing import ResourceObject
from app.web.policy import NOT_AUTHORIZED, get_for_update, is_allowed
from app.web.transaction import transaction


def update_workspace(
    workspace_id: str, members: Mapping[str, Any], *, resets: bool
) -> tuple[ResourceObject, Sequence[Invitation]]:
    """Set these attributes of the workspace and, if ``resets``, replace the links of its pending invitations."""
    with transaction() as session:
        shown = change_workspace(session, workspace_id, members)
        if not resets:
            return shown, ()
        workspace = get_for_update(session, Workspace, workspace_id, P.WORKSPACE_READ)
        if not is_allowed(P.INVITATION_MANAGE, workspace):
            raise Forbidden(NOT_AUTHORIZED, pointer="/data/attributes/reset-invite")
        return shown, renew_invitations(session, workspace)
