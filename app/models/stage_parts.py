"""What has a say in a task stage: its parts. A kind of part is a class like ``PartKind``, listed in ``run_stages``."""

from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol

from sqlalchemy import Select
from sqlalchemy.orm import Session

from app.authz.permissions import P
from app.models.runs import Run
from app.models.task_stages import TaskStage
from app.models.workspaces import Workspace

PENDING = "pending"
QUEUED = "queued"
RUNNING = "running"
PASSED = "passed"
OVERRIDDEN = "overridden"
FAILED = "failed"
ERRORED = "errored"
OPEN: Final = frozenset({PENDING, QUEUED, RUNNING})
GOOD: Final = frozenset({PASSED, OVERRIDDEN})


class Part(NamedTuple):
    """What counts of a part. One that is not mandatory never stops a run."""

    status: str
    is_mandatory: bool
    is_overridable: bool = False
    """Whether a person may let the run go on, if the part says no."""

    @property
    def stops(self) -> bool:
        """Whether the part says no to the run."""
        return self.is_mandatory and self.status not in OPEN | GOOD


Need = tuple[P, ...]
"""Permissions, any one of which is enough."""


class PartKind(Protocol):
    """A kind of part. The row of the workspace, then that of the run, are locked when any of it is called."""

    def stages(self, workspace: Workspace) -> Select[str]:
        """Select the names of the stages in which a new run of the workspace has parts of this kind."""

    def add(self, session: Session, run: Run, stage: TaskStage) -> None:
        """Create the parts of a stage, pending; the run is new."""

    def begin(self, session: Session, run: Run, stage: TaskStage) -> None:
        """The stage begins: start what has to be done for its parts."""

    def parts(self, session: Session, stage: TaskStage) -> Sequence[Part]:
        """The parts of the stage as they are now."""

    def override_needs(self, session: Session, stage: TaskStage) -> Sequence[Need]:
        """What it takes to override the parts of this kind that say no, all of it."""

    def override(self, session: Session, stage: TaskStage) -> None:
        """Mark the parts that say no as overridden."""

    def end(self, session: Session, run: Run, status: str) -> None:
        """The run is over: parts that are open get the status."""
