"""Counting and deleting the rows that a wipe of a project deletes."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy import ColumnElement, delete, false, func, literal, select, union_all
from sqlalchemy.orm import Session

from app.models.configuration_versions import ConfigurationVersion
from app.models.images import Image
from app.models.invitations import Invitation
from app.models.notification_configurations import NotificationConfiguration
from app.models.projects import Project
from app.models.run_tasks import WorkspaceTask
from app.models.run_triggers import RunTrigger
from app.models.runs import Run
from app.models.state_versions import StateVersion, StateVersionOutput
from app.models.tag_bindings import TagBinding
from app.models.team_workspaces import TeamWorkspace
from app.models.vars import Var
from app.models.varsets import Varset
from app.models.workspace_acl_entries import WorkspaceAclEntry
from app.models.workspaces import RemoteStateConsumer, Workspace
from app.persistence import Base, in_values

# Rows that are deleted with their workspace. The parts of a run go with the run and are not counted.
OF_WORKSPACES: Final[tuple[type[Base], ...]] = (
    StateVersion,
    StateVersionOutput,
    ConfigurationVersion,
    Run,
    NotificationConfiguration,
    WorkspaceTask,
    TagBinding,
    TeamWorkspace,
    WorkspaceAclEntry,
    Invitation,
    Image,
)
# In the order of the counts in the answer.
COUNTED: Final[tuple[type[Base], ...]] = (Workspace, *OF_WORKSPACES, RemoteStateConsumer, RunTrigger, Var, Varset)

# The count of workspaces that the caller may not delete.
LEFT: Final = "workspaces-left"


def type_of(model: type[Base]) -> str:
    """The name of a table's rows in the counts."""
    name: str = model.__tablename__
    return name.replace("_", "-")


def lock_varsets(session: Session, project: Project) -> None:
    """Lock the project's variable sets before its workspaces: the order of requests that apply a set."""
    owned = select(Varset.id).where(Varset.project_id == project.id).order_by(Varset.id)
    session.execute(owned.with_for_update())


def count_contents(session: Session, project: Project, going: Sequence[str] | None = None) -> Mapping[str, int]:
    """How many rows of each type a wipe deletes; ``going`` are the workspaces, unless all of them go.

    Variable sets go only with all workspaces: those that stay need them.
    """
    its_workspaces: ColumnElement[bool] = Workspace.project_id == project.id
    if going is not None:
        its_workspaces = in_values(Workspace.__table__.c.id, going)
    workspaces = select(Workspace.__table__.c.id).where(its_workspaces)
    its_varsets: ColumnElement[bool] = Varset.project_id == project.id if going is None else false()
    varsets = select(Varset.id).where(its_varsets)
    consumers = RemoteStateConsumer.__table__.c
    is_provider = consumers.workspace_id.in_(workspaces)
    triggers = RunTrigger.__table__.c
    is_target = triggers.workspace_id.in_(workspaces)
    # Each count uses an index; one condition with "or" would not.
    conditions: list[tuple[type[Base], ColumnElement[bool]]] = [
        (Workspace, its_workspaces),
        *((model, model.__table__.c.workspace_id.in_(workspaces)) for model in OF_WORKSPACES),
        (RemoteStateConsumer, is_provider),
        (RemoteStateConsumer, consumers.consumer_id.in_(workspaces) & ~is_provider),
        (RunTrigger, is_target),
        (RunTrigger, triggers.source_id.in_(workspaces) & ~is_target),
        (Var, Var.workspace_id.in_(workspaces)),
        (Var, Var.varset_id.in_(varsets)),
        (Varset, its_varsets),
    ]
    counts = [
        select(literal(type_of(model)), func.count()).select_from(model.__table__).where(condition)
        for model, condition in conditions
    ]
    found: Counter[str] = Counter()
    for name, count in session.execute(union_all(*counts)):
        found[name] += count
    return {type_of(model): found[type_of(model)] for model in COUNTED}


def delete_varsets(session: Session, project: Project) -> None:
    """Delete the variable sets that the project owns, with their variables."""
    session.execute(
        delete(Varset).where(Varset.project_id == project.id), execution_options={"synchronize_session": False}
    )
