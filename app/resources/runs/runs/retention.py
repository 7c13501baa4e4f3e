"""Removes the files of old plans. They hold the values of variables and the state, and nobody applies them any more."""

from datetime import timedelta
from typing import Final

from sqlalchemy import or_, select, union_all, update

from app.models.plans import Plan
from app.models.runs import FINAL, Run
from app.persistence import in_values, now
from app.services import services
from app.storage.ledger import mark_for_deletion
from app.web.transaction import transaction

# For each file of a plan, the columns with the name of the object and its key.
FILES: Final = (
    ("plan_object", "plan_key"),
    ("json_object", "json_key"),
    ("redacted_object", "redacted_key"),
    ("lock_file_object", "lock_file_key"),
)
AT_ONCE: Final = 100


def remove_old_plan_files() -> int:
    """Remove the files of plans whose runs ended long ago, some at a time; returns how many plans lost theirs."""
    oldest = now() - timedelta(days=services().settings.plan_file_days)
    columns = Plan.__table__.c
    old = (
        select(columns.id)
        .join(Run, Run.__table__.c.id == columns.run_id)
        .where(
            columns.finished_at < oldest,
            or_(*(columns[name].is_not(None) for name, _ in FILES)),
            Run.status.in_(sorted(FINAL)),
            Run.updated_at < oldest,
        )
        .limit(AT_ONCE)
    )
    with transaction() as session:
        found = list(session.scalars(old))
        if found:
            these = in_values(columns.id, found)
            named = (select(columns[name]).where(these, columns[name].is_not(None)) for name, _ in FILES)
            mark_for_deletion(session, union_all(*named))
            gone = dict.fromkeys(column for pair in FILES for column in pair)
            session.execute(update(Plan).where(these).values(gone), execution_options={"synchronize_session": False})
    return len(found)
