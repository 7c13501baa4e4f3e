"""Reading the members of projects."""

from app.models.organization_memberships import OrganizationMembership
from app.models.project_members import ProjectMember
from app.models.users import User
from app.persistence import case_folded
from app.resources.access.project_members.schema import ProjectMemberSchema
from app.resources.organizations.organization_memberships.members import of_user, with_users
from app.web.filters import Contains, OneOf
from app.web.listing import Listing, plain

_USERNAME = of_user(User.username, ProjectMember.membership_id, ProjectMember.__table__)

MEMBERS = Listing(
    schema=ProjectMemberSchema,
    model=ProjectMember,
    columns={
        **plain(ProjectMember, "id organization_id project_id membership_id environment_id role cells created_at"),
        "user_id": OrganizationMembership.user_id,
        **plain(User, "username email"),
    },
    joined=with_users(ProjectMember.__table__, ProjectMember.membership_id),
    order=(ProjectMember.created_at, ProjectMember.id),
    sorts={
        "created-at": (ProjectMember.created_at,),
        "role": (ProjectMember.role,),
        "username": (case_folded(_USERNAME),),
    },
    filters=(Contains("q", (_USERNAME,)), OneOf("filter[role]", ProjectMember.role)),
)
