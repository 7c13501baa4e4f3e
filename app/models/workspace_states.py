"""Which of a workspace's state versions is the newest, and making it the current one."""

from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, bindparam, func, or_, select, update
from sqlalchemy.orm import Session

from app.models.auto_destroy import duration_of, time_after
from app.models.projects import Project
from app.models.state_versions import DISCARDED, FINALIZED, PENDING, StateVersion
from app.models.workspaces import Workspace
from app.persistence import AnyRow, Base, KeptStatement, now

# Each of the tools takes providers from its own registry, and writes the host into the state.
OPENTOFU_REGISTRY, TERRAFORM_REGISTRY = "registry.opentofu.org", "registry.terraform.io"
_PROVIDER = 'provider["'


def has_encrypted_state() -> ColumnElement[bool]:
    """Whether the current state of a workspace is encrypted: nobody here can tell then which resources it has."""
    versions = StateVersion.__table__.c
    return (
        select(versions.id)
        .where(versions.id == Workspace.current_state_version_id, versions.encrypted)
        .correlate(Workspace)
        .exists()
    )


class Latest(NamedTuple):
    """The version of a workspace that was created last, and the last one whose state has arrived; None without one."""

    created: AnyRow
    arrived: AnyRow
    """It may be current already."""

    @property
    def is_pending(self) -> bool:
        """Whether a state was announced and has not arrived; until it has, the workspace can't be unlocked."""
        return self.created is not None and self.created.status == PENDING


# A new version discards the one that is pending, so only the last one can be.
_LAST: Final = select(func.max(StateVersion.number)).where(StateVersion.workspace_id == bindparam("workspace_id"))
_COLUMNS: Final = Base.metadata.tables[StateVersion.__tablename__].c
# These are long, and only the next state is compared with them.
_LONG: Final = ("modules", "resources", "instances")
# Read with the versions, after the lock: a statement that has waited for it may have read the project before.
_INHERITED: Final = (
    select(Project.auto_destroy_activity_duration)
    .join(Workspace, Workspace.project_id == Project.__table__.c.id)
    .where(Workspace.__table__.c.id == bindparam("workspace_id"))
    .scalar_subquery()
    .label("inherited_duration")
)
_LATEST: Final = (
    select(*(column for column in _COLUMNS if column.name not in _LONG), _INHERITED)
    .where(
        StateVersion.workspace_id == bindparam("workspace_id"),
        or_(
            StateVersion.number == _LAST.scalar_subquery(),
            StateVersion.number == _LAST.where(StateVersion.status == FINALIZED).scalar_subquery(),
        ),
    )
    .order_by(StateVersion.number.desc())
)
_WITHOUT_LONG: Final = KeptStatement(_LATEST)
_WHOLE: Final = KeptStatement(_LATEST.add_columns(*(_COLUMNS[name] for name in _LONG)))


def latest_versions(session: Session, workspace_id: str, *, whole: bool = False) -> Latest:
    """The latest versions of a workspace, whose row is locked; ``whole`` ones have their resources, too."""
    rows = (_WHOLE if whole else _WITHOUT_LONG).all(session.connection(), {"workspace_id": workspace_id})
    return Latest(rows[0] if rows else None, next((row for row in rows if row.status == FINALIZED), None))


def newest_version(session: Session, workspace_id: str) -> StateVersion | None:
    """The last version whose state has arrived, whether or not it is current already."""
    return session.scalars(
        select(StateVersion)
        .where(StateVersion.workspace_id == workspace_id, StateVersion.status == FINALIZED)
        .order_by(StateVersion.number.desc())
        .limit(1),
    ).one_or_none()


def discard_pending(session: Session, workspace_id: str) -> None:
    """Discard the announced version whose state has not arrived; its upload is refused from now on."""
    session.execute(
        update(StateVersion)
        .where(StateVersion.workspace_id == workspace_id, StateVersion.status == PENDING)
        .values(status=DISCARDED, intermediate=False)
        .execution_options(synchronize_session="fetch"),
    )


def promote_latest(session: Session, workspace: Workspace) -> None:
    """Make the last version that has arrived the workspace's current one."""
    newest = newest_version(session, workspace.id)
    if newest is None or newest.id == workspace.current_state_version_id:
        return
    newest.intermediate = False
    for name, value in promoted(workspace, newest, duration_of(workspace)).items():
        setattr(workspace, name, value)
    session.flush()


def promoted(workspace: AnyRow, version: AnyRow, duration: Any) -> dict[str, Any]:  # noqa: ANN401 - of ``time_after``
    """The columns of the workspace when this version becomes its current one."""
    moment = now()
    manages_something = version.encrypted or version.resource_count > 0
    tool = None if workspace.has_own_iac_tool else _iac_tool_of(version)
    return {
        "current_state_version_id": version.id,
        "iac_tool": tool or workspace.iac_tool,
        "resource_count": version.resource_count,
        "state_changed_at": moment,
        "auto_destroy_due_at": time_after(workspace, moment, duration, manages_something=manages_something),
        "auto_destroy_status": None,
        "auto_destroy_error": None,
    }


def _iac_tool_of(version: AnyRow) -> str | None:
    """The tool that wrote the state; None if the state does not tell, as one without resources."""
    hosts = {provider.removeprefix(_PROVIDER).partition("/")[0] for provider in version.providers or ()}
    if version.encrypted or OPENTOFU_REGISTRY in hosts:
        return "opentofu"
    return "terraform" if TERRAFORM_REGISTRY in hosts else None
