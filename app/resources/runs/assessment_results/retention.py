"""Removes old assessments: there is one for each workspace and day, and nobody looks at those of last month."""

from datetime import timedelta
from typing import Final

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.models.assessment_results import REASON, AssessmentResult
from app.models.runs import FINAL, Run
from app.models.workspaces import Workspace
from app.persistence import in_values, now
from app.storage.ledger import mark_for_deletion, objects_owned_by
from app.web.transaction import transaction

KEPT: Final = timedelta(days=30)
AT_ONCE: Final = 100


def remove_old_assessments() -> int:
    """Remove some of them, with their runs, plans and logs; returns how many."""
    with transaction() as session:
        found = _old(session)
        if found:
            mark_for_deletion(session, objects_owned_by("run_id", found))
            session.execute(
                delete(Run).where(in_values(Run.__table__.c.id, found)),
                execution_options={"synchronize_session": False},
            )
        return len(found)


def _old(session: Session) -> list[str]:
    columns = Run.__table__.c
    is_current = (
        select(Workspace.__table__.c.id)
        .join(AssessmentResult, AssessmentResult.__table__.c.id == Workspace.current_assessment_result_id)
        .where(Workspace.__table__.c.id == columns.workspace_id, AssessmentResult.run_id == columns.id)
        .exists()
    )
    old = select(columns.id).where(
        columns.trigger_reason == REASON,
        columns.created_at < now() - KEPT,
        columns.status.in_(sorted(FINAL)),
        ~is_current,
    )
    return list(session.scalars(old.order_by(columns.created_at).limit(AT_ONCE)))
