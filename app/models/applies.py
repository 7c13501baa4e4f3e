"""Applies: the second phase of a run."""

from typing import ClassVar

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.authz.permissions import P
from app.models.run_phases import STATUSES, RunPhase
from app.persistence import Base, identifier
from app.storage.ledger import OBJECT
from app.storage.sealed import SEALED


class Apply(RunPhase, Base):
    """The apply of a run. If its last state could not become a state version, the state is kept here."""

    __tablename__ = "applies"
    visible_by: ClassVar[P] = P.RUN_READ

    id: Mapped[str] = mapped_column(primary_key=True, default=identifier("apply"))
    errored_state_object: Mapped[str | None] = mapped_column(info=OBJECT)
    errored_state_key: Mapped[str | None] = mapped_column(info=SEALED)

    __table_args__ = (
        Index("uq_applies_errored_state_object", errored_state_object, unique=True),
        CheckConstraint("status IN " + str(STATUSES), name="status"),
    )
