"""Reading notification configurations. Their workspace, project or team says who may see them."""

from typing import Any

from sqlalchemy import Select, case, func, select
from sqlalchemy.orm import Session

from app.authz.permissions import P
from app.jsonapi.errors import NotFound
from app.models.notification_configurations import NotificationConfiguration
from app.models.projects import Project
from app.models.teams import Team
from app.models.workspaces import Workspace
from app.persistence import AnyRow, Base
from app.resources.notifications.notification_configurations.schema import NotificationConfigurationSchema
from app.web.context import reader
from app.web.listing import Listing, ResourceObject, plain
from app.web.policy import get_visible, mark_policy_checked

_COLUMNS = NotificationConfiguration.__table__.c

CONFIGURATIONS = Listing(
    schema=NotificationConfigurationSchema,
    model=NotificationConfiguration,
    columns={
        **plain(
            NotificationConfiguration,
            "id organization_id name enabled destination_type url triggers email_addresses user_ids email_all_members "
            "delivery_responses created_at updated_at",
        ),
        "subscribable_id": func.coalesce(_COLUMNS.workspace_id, _COLUMNS.own_project_id, _COLUMNS.team_id),
        "subscribable_type": case(
            (_COLUMNS.workspace_id.is_not(None), "workspaces"),
            (_COLUMNS.own_project_id.is_not(None), "projects"),
            else_="teams",
        ),
    },
    joined=NotificationConfiguration.__table__,
    order=(NotificationConfiguration.name, NotificationConfiguration.id),
)
_ONE: Select[*tuple[Any, ...]] = select(*(column.label(name) for name, column in CONFIGURATIONS.expressions.items()))

# What has configurations: by the column that names it, its model, and the permission on it.
PARENTS: dict[str, tuple[type[Base], P]] = {
    "workspace_id": (Workspace, P.WORKSPACE_MANAGE_NOTIFICATIONS),
    "own_project_id": (Project, P.PROJECT_MANAGE_NOTIFICATIONS),
    "team_id": (Team, P.TEAM_MANAGE_NOTIFICATIONS),
}


def get_parent(column: str, identifier: str) -> AnyRow:
    """The workspace, project or team, if the caller manages its notifications; else 404."""
    model, permission = PARENTS[column]
    return get_visible(model, identifier, permission)


def parent_of(row: AnyRow) -> tuple[str, str]:
    """The column that names what the configuration belongs to, and its id."""
    return next((column, identifier) for column in PARENTS if (identifier := getattr(row, column)) is not None)


def get_stored(identifier: str) -> AnyRow:
    """The row of the configuration, if the caller manages the notifications of what it belongs to; else 404."""
    mark_policy_checked(*(permission for _, permission in PARENTS.values()))
    row = reader().execute(select(NotificationConfiguration.__table__).where(_COLUMNS.id == identifier)).one_or_none()
    if row is None:
        raise NotFound
    get_parent(*parent_of(row))
    return row


def get_resource(identifier: str, session: Session | None = None) -> ResourceObject:
    """The resource object of a configuration that the caller may see: that was asked before."""
    source = reader() if session is None else session.connection()
    row: Any = source.execute(_ONE.where(_COLUMNS.id == identifier)).one_or_none()
    if row is None:
        raise NotFound
    return CONFIGURATIONS.dump(row, frozenset())
