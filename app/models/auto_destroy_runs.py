"""Taking back the runs of auto-destroy that have not begun, when a setting says something else."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.models.auto_destroy import REASONS
from app.models.run_machine import Machine
from app.models.run_transitions import Event
from app.models.runs import PENDING, Run
from app.models.workspaces import Workspace
from app.persistence import Expression


def discard_waiting(session: Session, workspaces: Expression, actor_id: str | None) -> None:
    """Discard such runs of the workspaces that match the condition. Their rows are locked, or were just updated."""
    waiting = (
        select(Run, Workspace)
        .join(Workspace, Workspace.__table__.c.id == Run.workspace_id)
        .where(workspaces, Run.status == PENDING, Run.trigger_reason.in_(sorted(REASONS)))
        .order_by(Run.workspace_id, Run.number)
        .with_for_update(of=Run, key_share=True)
    )
    for run, workspace in session.execute(waiting).all():
        Machine(session, workspace, actor_id).move(run, Event.DISCARD)
