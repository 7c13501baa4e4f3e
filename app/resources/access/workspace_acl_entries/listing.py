"""Reading the access lists of workspaces."""

from app.models.expiring_grants import is_in_force
from app.models.organization_memberships import OrganizationMembership
from app.models.users import User
from app.models.workspace_acl_entries import WorkspaceAclEntry
from app.models.workspaces import Workspace
from app.persistence import case_folded
from app.resources.access.workspace_acl_entries.schema import WorkspaceAclEntrySchema
from app.resources.organizations.organization_memberships.members import of_user, with_users
from app.web.filters import Contains, Holds, OneOf
from app.web.listing import Listing, plain

_USERNAME = of_user(User.username, WorkspaceAclEntry.membership_id, WorkspaceAclEntry.__table__)

ACL = Listing(
    schema=WorkspaceAclEntrySchema,
    model=WorkspaceAclEntry,
    only=is_in_force(WorkspaceAclEntry),
    columns={
        **plain(WorkspaceAclEntry, "id organization_id workspace_id membership_id level created_at expires_at"),
        "user_id": OrganizationMembership.user_id,
        **plain(User, "username email"),
        **plain(Workspace, "project_id environment_id project_cell_key environment_cell_key"),
    },
    joined=with_users(
        WorkspaceAclEntry.__table__.join(Workspace.__table__, Workspace.id == WorkspaceAclEntry.workspace_id),
        WorkspaceAclEntry.membership_id,
    ),
    order=(WorkspaceAclEntry.created_at, WorkspaceAclEntry.id),
    sorts={
        "created-at": (WorkspaceAclEntry.created_at,),
        "expires-at": (WorkspaceAclEntry.expires_at,),
        "level": (WorkspaceAclEntry.level,),
        "username": (case_folded(_USERNAME),),
    },
    filters=(
        Contains("q", (_USERNAME,)),
        OneOf("filter[level]", WorkspaceAclEntry.level),
        Holds("filter[expires]", WorkspaceAclEntry.expires_at.is_not(None)),
    ),
)
