"""Reading the members of projects."""

from app.models.expiring_grants import is_in_force
from app.models.organization_memberships import OrganizationMembership
from app.models.project_members import ProjectMember
from app.models.users import User
from app.persistence import case_folded
from app.resources.access.project_members.schema import ProjectMemberSchema
from app.resources.organizations.organization_memberships.members import of_user, with_users
from app.web.filters import Contains, Holds, OneOf
from app.web.listing import Listing, plain

_USERNAME = of_user(User.username, ProjectMember.membership_id, ProjectMember.__table__)

MEMBERS = Listing(
    schema=ProjectMemberSchema,
    model=ProjectMember,
    only=is_in_force(ProjectMember),
    columns={
        **plain(
            ProjectMember, "id organization_id project_id membership_id environment_id role cells created_at expires_at"
        ),
        "user_id": OrganizationMembership.user_id,
        **plain(User, "username email"),
    },
    joined=with_users(ProjectMember.__table__, ProjectMember.membership_id),
    order=(ProjectMember.created_at, ProjectMember.id),
    sorts={
        "created-at": (ProjectMember.created_at,),
        "expires-at": (ProjectMember.expires_at,),
        "role": (ProjectMember.role,),
        "username": (case_folded(_USERNAME),),
    },
    filters=(
        Contains("q", (_USERNAME,)),
        OneOf("filter[role]", ProjectMember.role),
        Holds("filter[expires]", ProjectMember.expires_at.is_not(None)),
    ),
)
