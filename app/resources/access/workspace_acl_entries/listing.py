"""Reading the access lists of workspaces."""

from sqlalchemy import func

from app.authz.permissions import P
from app.models.organization_memberships import OrganizationMembership
from app.models.users import User
from app.models.workspace_acl_entries import WorkspaceAclEntry
from app.models.workspaces import Workspace
from app.resources.access.workspace_acl_entries.schema import WorkspaceAclEntrySchema
from app.resources.organizations.organization_memberships.members import of_user, with_users
from app.web.filters import Contains, OneOf
from app.web.listing import Listing

_USERNAME = of_user(User.username, WorkspaceAclEntry.membership_id, WorkspaceAclEntry.__table__)

ACL = Listing(
    schema=WorkspaceAclEntrySchema,
    model=WorkspaceAclEntry,
    visible_by=P.WORKSPACE_READ_ACL,
    columns={
        "id": WorkspaceAclEntry.id,
        "organization_id": WorkspaceAclEntry.organization_id,
        "workspace_id": WorkspaceAclEntry.workspace_id,
        "membership_id": WorkspaceAclEntry.membership_id,
        "level": WorkspaceAclEntry.level,
        "created_at": WorkspaceAclEntry.created_at,
        "user_id": OrganizationMembership.user_id,
        "username": User.username,
        "email": User.email,
        "project_id": Workspace.project_id,
        "environment_id": Workspace.environment_id,
        "project_cell_key": Workspace.project_cell_key,
        "environment_cell_key": Workspace.environment_cell_key,
    },
    joined=with_users(
        WorkspaceAclEntry.__table__.join(Workspace.__table__, Workspace.id == WorkspaceAclEntry.workspace_id),
        WorkspaceAclEntry.membership_id,
    ),
    order=(WorkspaceAclEntry.created_at, WorkspaceAclEntry.id),
    sorts={
        "created-at": (WorkspaceAclEntry.created_at,),
        "level": (WorkspaceAclEntry.level,),
        "username": (func.lower(_USERNAME),),
    },
    filters=(Contains("q", (_USERNAME,)), OneOf("filter[level]", WorkspaceAclEntry.level)),
)
