"""Reading invitations, for callers who manage them and for the user who has the address."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, case, or_
from sqlalchemy.orm import aliased

from app.authentication.callers import Caller
from app.authz.permissions import P
from app.jsonapi.errors import BadParameter
from app.jsonapi.query import Arguments, texts_of
from app.models.invitations import ACCEPTED, CANCELED, EXPIRED, PENDING, Invitation
from app.models.organizations import Organization
from app.models.projects import Project
from app.models.users import User
from app.models.workspaces import Workspace
from app.persistence import Expression, Timestamp, now
from app.resources.access.invitations.schema import InvitationSchema
from app.web.filters import Contains, Filter, FilterClause
from app.web.listing import Listing, plain

SHOWN = (PENDING, ACCEPTED, CANCELED, EXPIRED)
_Inviter = aliased(User)
_MOMENT = bindparam("moment", type_=Timestamp)
_WITH_STATUS: dict[str, ColumnElement[bool]] = {
    PENDING: and_(Invitation.status == PENDING, Invitation.expires_at > _MOMENT),
    EXPIRED: and_(Invitation.status == PENDING, Invitation.expires_at <= _MOMENT),
    ACCEPTED: Invitation.status == ACCEPTED,
    CANCELED: Invitation.status == CANCELED,
}


@dataclass(frozen=True)
class InStatus(Filter):
    """``filter[status]``: one or more statuses; without it, only pending invitations are listed."""

    parameter: str = "filter[status]"
    description = f"One of {', '.join(SHOWN)}, or several, comma-separated; {PENDING} by default"

    def parse(self, arguments: Arguments, _caller: Caller, _organization_id: str | None) -> FilterClause:
        """The invitation has one of the statuses at present; 400 for an unknown status."""
        statuses = tuple(sorted(set(texts_of(arguments, self.parameter) or [PENDING])))
        if not set(statuses) <= set(SHOWN):
            raise BadParameter(f"{self.parameter} must be one of {', '.join(SHOWN)}", parameter=self.parameter)
        moment = {"moment": now()} if {PENDING, EXPIRED} & set(statuses) else {}
        return FilterClause(("status", statuses), lambda: [or_(*(_WITH_STATUS[each] for each in statuses))], moment)


COLUMNS: dict[str, Expression] = {
    **plain(Invitation, "id organization_id"),
    "organization_name": Organization.name,
    "project_id": Invitation.project_id,
    "project_name": Project.name,
    "workspace_id": Invitation.workspace_id,
    "workspace_name": Workspace.name,
    **plain(Invitation, "environment_id cells email"),
    "project_role": case((Invitation.project_id.is_not(None), Invitation.role)),
    "workspace_level": case((Invitation.workspace_id.is_not(None), Invitation.role)),
    **plain(Invitation, "status invited_by_id"),
    "invited_by_name": _Inviter.username,
    **plain(Invitation, "created_at expires_at sent_at"),
}


def _listing(visible_by: P) -> Listing:
    table: Any = Invitation.__table__
    return Listing(
        schema=InvitationSchema,
        model=Invitation,
        visible_by=visible_by,
        columns=COLUMNS,
        joined=table.join(Organization.__table__, Organization.id == Invitation.organization_id)
        .outerjoin(Project.__table__, Project.id == Invitation.project_id)
        .outerjoin(Workspace.__table__, Workspace.id == Invitation.workspace_id)
        .outerjoin(_Inviter, _Inviter.id == Invitation.invited_by_id),
        order=(Invitation.created_at, Invitation.id),
        sorts={"created-at": (Invitation.created_at,), "expires-at": (Invitation.expires_at,)},
        filters=(InStatus(), Contains("q", (Invitation.email,))),
    )


INVITATIONS = _listing(P.INVITATION_MANAGE)
OWN_INVITATIONS = _listing(P.INVITATION_ACCEPT)
