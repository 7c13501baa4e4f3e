"""Reading runs."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import Row, func, null

from app.authz.permissions import P
from app.models.agent_pools import AgentPool
from app.models.applies import Apply
from app.models.comments import Comment
from app.models.plans import Plan
from app.models.run_events import RunEvent
from app.models.runs import Run
from app.models.task_stages import TaskStage
from app.models.workspaces import Workspace
from app.persistence import split_ids, string_agg
from app.resources.accounts.users.listing import some_users
from app.resources.runs.applies.listing import APPLIES
from app.resources.runs.configuration_versions.listing import CONFIGURATION_VERSIONS
from app.resources.runs.plans.listing import PLANS
from app.resources.runs.runs.filters import Basic, CreatedBy, OfCommit, OfNamed, Operations, StatusGroup, Timeframe
from app.resources.runs.runs.schema import RunSchema
from app.resources.runs.task_stages.listing import TASK_STAGES
from app.resources.workspaces.workspaces.listing import WORKSPACES
from app.web.filters import OneOf
from app.web.listing import Counted, Listing, ResourceObject, plain

_PLAIN: Final = (
    "id organization_id workspace_id configuration_version_id number status status_timestamps message source "
    "trigger_reason is_destroy refresh refresh_only plan_only save_plan auto_apply allow_empty_apply "
    "allow_config_generation debugging_mode target_addrs replace_addrs sealed_variables has_changes "
    "holds_lock created_by_id confirmed_by_id canceled_by_id created_at updated_at canceled_at "
    "force_cancel_available_at triggering_run_id triggering_source_id"
)
_RUN: Final = Run.__table__
_FILTERS: Final = (
    Operations(),
    OneOf("filter[status]", Run.status),
    StatusGroup(),
    OneOf("filter[source]", Run.source),
    Timeframe(),
    OfNamed("filter[agent_pool_names]", AgentPool, Run.pool),
    CreatedBy(),
    OfCommit(),
    Basic(),
)

RUNS: Final = Listing(
    schema=RunSchema,
    model=Run,
    columns={
        **plain(Run, _PLAIN),
        "terraform_version": func.coalesce(Run.terraform_version, Plan.terraform_version),
        "project_id": Workspace.project_id,
        "plan_id": Plan.__table__.c.id,
        "apply_id": Apply.__table__.c.id,
        "run_event_ids": string_agg(RunEvent.id, RunEvent.run_id == _RUN.c.id, RunEvent.number, _RUN),
        "comment_ids": string_agg(Comment.id, Comment.run_id == _RUN.c.id, Comment.created_at, _RUN),
        "task_stage_ids": string_agg(TaskStage.id, TaskStage.run_id == _RUN.c.id, TaskStage.position, _RUN),
        "triggering_source_name": Counted(
            P.WORKSPACE_READ,
            Workspace,
            Workspace.__table__.c.id == Run.triggering_source_id,
            what=func.max(Workspace.__table__.c.name),
        ),
        "no_ids": null(),
    },
    joined=_RUN.join(Workspace.__table__, Workspace.__table__.c.id == Run.workspace_id)
    .join(Plan.__table__, Plan.run_id == _RUN.c.id)
    .join(Apply.__table__, Apply.run_id == _RUN.c.id),
    # The numbers count within a workspace.
    order=(Run.number, _RUN.c.id),
    newest_first=True,
    filters=_FILTERS,
)
ORGANIZATION_RUNS: Final = replace(
    RUNS,
    order=(Run.created_at, _RUN.c.id),
    newest_first=True,
    filters=(*_FILTERS, OfNamed("filter[workspace_names]", Workspace, Run.workspace_id)),
)

Rows = Sequence[Row[Any]]
Shown = list[ResourceObject]


def _creators(rows: Rows) -> Shown:
    return some_users({row.created_by_id for row in rows if row.created_by_id})


LOADERS: Final[dict[str, Callable[[Rows], Shown]]] = {
    "plan": lambda rows: PLANS.find_many({row.plan_id for row in rows}),
    "configuration_version": lambda rows: CONFIGURATION_VERSIONS.find_many(
        {row.configuration_version_id for row in rows}
    ),
    "apply": lambda rows: APPLIES.find_many({row.apply_id for row in rows}),
    "created_by": _creators,
    "task_stages": lambda rows: TASK_STAGES.find_many(split_ids(row.task_stage_ids for row in rows)),
    "workspace": lambda rows: WORKSPACES.find_many({row.workspace_id for row in rows}),
}
# Clients may ask for these, but no run has them here, so nothing is included.
_NEVER_THERE: Final = (
    "configuration_version.ingress_attributes",
    "cost_estimate",
    "tf_policy_evaluations",
)
INCLUDES: Final = (*LOADERS, *_NEVER_THERE)


def including(wanted: set[str]) -> Callable[[Rows, Shown], Shown] | None:
    """A function that reads the included resources for runs, as far as the caller may see them."""
    names = {name.partition(".")[0] for name in wanted} & LOADERS.keys()
    if not wanted:
        return None
    return lambda rows, _shown: [each for name in LOADERS if name in names for each in LOADERS[name](rows)]
