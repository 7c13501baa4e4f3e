"""The rule that nobody makes their own access last longer."""

from collections.abc import Mapping
from typing import Any

from app.authz.permissions import P
from app.authz.policy import Level
from app.jsonapi.errors import Forbidden
from app.models.project_members import ProjectMember
from app.models.workspace_acl_entries import WorkspaceAclEntry
from app.web.context import caller
from app.web.policy import is_allowed_at


class OwnExpiry(Forbidden):
    """Somebody who has access for a while can't make it last longer."""

    code = "own-expiry"
    pointer = "/data/attributes/expires-at"
    detail = (
        "Your own access ends at that time, and you may not make it last longer: ask somebody who manages the "
        "organization, or another manager whose access does not end"
    )


def check_own_expiry(grant: ProjectMember | WorkspaceAclEntry, members: Mapping[str, Any]) -> None:
    """Refuse to prolong one's own access, unless the caller manages the members of the whole organization."""
    if grant.expires_at is None or "expires_at" not in members:
        return
    moment = members["expires_at"]
    is_longer = moment is None or moment > grant.expires_at
    is_own = caller().membership_in(grant.organization_id) == grant.membership_id
    if is_longer and is_own and not is_allowed_at(P.PROJECT_MANAGE_MEMBERS, Level.ORGANIZATION, grant.organization_id):
        raise OwnExpiry
