"""Counting and deleting the rows that a wipe of a project deletes."""

from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy import ColumnElement, delete, false, select
from sqlalchemy.orm import Session

from app.models.projects import Project
from app.models.varsets import Varset
from app.models.workspaces import Workspace
from app.persistence import in_values
from app.resources.projects.dry_runs.counts import COUNTED, OF_WORKSPACES, conditions_of, count_rows, type_of

__all__ = ["COUNTED", "LEFT", "OF_WORKSPACES", "count_contents", "delete_varsets", "lock_varsets", "type_of"]

# The count of workspaces that the caller may not delete.
LEFT: Final = "workspaces-left"


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
    its_varsets: ColumnElement[bool] = Varset.project_id == project.id if going is None else false()
    found = count_rows(session, conditions_of(its_workspaces, its_varsets))
    return {type_of(model): found[type_of(model)] for model in COUNTED}


def delete_varsets(session: Session, project: Project) -> None:
    """Delete the variable sets that the project owns, with their variables."""
    session.execute(
        delete(Varset).where(Varset.project_id == project.id), execution_options={"synchronize_session": False}
    )
