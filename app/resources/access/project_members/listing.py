"""Reading the members of projects."""

from sqlalchemy import func

from app.authz.permissions import P
from app.models.organization_memberships import OrganizationMembership
from app.models.project_members import ProjectMember
from app.models.users import User
from app.resources.access.project_members.schema import ProjectMemberSchema
from app.resources.organizations.organization_memberships.members import of_user, with_users
from app.web.filters import Contains, OneOf
from app.web.listing import Listing

_USERNAME = of_user(User.username, ProjectMember.membership_id, ProjectMember.__table__)

MEMBERS = Listing(
    schema=ProjectMemberSchema,
    model=ProjectMember,
    visible_by=P.PROJECT_READ_MEMBERS,
    columns={
        "id": ProjectMember.id,
        "organization_id": ProjectMember.organization_id,
        "project_id": ProjectMember.project_id,
        "membership_id": ProjectMember.membership_id,
        "environment_id": ProjectMember.environment_id,
        "role": ProjectMember.role,
        "cells": ProjectMember.cells,
        "created_at": ProjectMember.created_at,
        "user_id": OrganizationMembership.user_id,
        "username": User.username,
        "email": User.email,
    },
    joined=with_users(ProjectMember.__table__, ProjectMember.membership_id),
    order=(ProjectMember.created_at, ProjectMember.id),
    sorts={
        "created-at": (ProjectMember.created_at,),
        "role": (ProjectMember.role,),
        "username": (func.lower(_USERNAME),),
    },
    filters=(Contains("q", (_USERNAME,)), OneOf("filter[role]", ProjectMember.role)),
)
