"""The resources on which permissions can be explained."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, select

from app.authz.permissions import P
from app.authz.policy import POLICY, Level
from app.models.environments import Environment
from app.models.organizations import Organization
from app.models.projects import Project
from app.models.teams import Team
from app.models.workspaces import Workspace
from app.web.policy import visible


@dataclass(frozen=True, slots=True)
class Target:
    """A kind of resource, the permission that reads it, and the one that manages its people, to ask about others."""

    model: type[Any]
    level: Level
    read_by: P
    managed_by: P

    @property
    def askable(self) -> list[P]:
        """The permissions that a grant could give on such a resource."""
        return [permission for permission in P if POLICY[permission].levels & set(self.model.grant_columns)]

    @property
    def permissions(self) -> list[P]:
        """Those of them that are explained by default: they can be granted on the resource alone, or have its name."""
        name = f"{self.level}:"
        return [each for each in self.askable if self.level in POLICY[each].levels or each.startswith(name)]


TARGETS: Mapping[str, Target] = {
    "organizations": Target(Organization, Level.ORGANIZATION, P.ORGANIZATION_READ, P.MEMBERSHIP_CREATE),
    "teams": Target(Team, Level.TEAM, P.TEAM_READ, P.TEAM_UPDATE_MEMBERSHIP),
    "projects": Target(Project, Level.PROJECT, P.PROJECT_READ, P.PROJECT_MANAGE_MEMBERS),
    "environments": Target(Environment, Level.ENVIRONMENT, P.ENVIRONMENT_READ, P.PROJECT_MANAGE_MEMBERS),
    "workspaces": Target(Workspace, Level.WORKSPACE, P.WORKSPACE_READ, P.WORKSPACE_MANAGE_ACL),
}


def seen_target(connection: Connection, target: Target, identifier: str) -> Row[Any] | None:
    """The columns of the resource that the policy needs; None if the caller can't see it."""
    model = target.model
    columns = [getattr(model, name).label(name) for name in dict.fromkeys(["id", *model.grant_columns.values()])]
    seen = visible(target.read_by, model)
    return connection.execute(select(*columns).where(model.__table__.c.id == identifier, seen)).one_or_none()
