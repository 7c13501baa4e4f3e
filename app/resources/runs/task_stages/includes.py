"""What is included with task stages: apart from their listing, which that of runs needs."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from sqlalchemy import Row

from app.persistence import split_ids
from app.resources.runs.policy_evaluations.listing import POLICY_EVALUATIONS
from app.resources.runs.runs.listing import RUNS
from app.resources.runs.task_results.listing import TASK_RESULTS
from app.resources.workspaces.workspaces.listing import WORKSPACES
from app.web.listing import ResourceObject

Rows = Sequence[Row[Any]]
LOADERS: Final[dict[str, Callable[[Rows], list[ResourceObject]]]] = {
    "run": lambda rows: RUNS.find_many({row.run_id for row in rows}),
    "run.workspace": lambda rows: WORKSPACES.find_many({row.workspace_id for row in rows}),
    "task_results": lambda rows: TASK_RESULTS.find_many(split_ids(row.task_result_ids for row in rows)),
    "policy_evaluations": lambda rows: POLICY_EVALUATIONS.find_many(
        split_ids(row.policy_evaluation_ids for row in rows)
    ),
}
# Clients may ask for these, but no stage has them here.
INCLUDES: Final = (*LOADERS, "cost_estimate")


def including(wanted: set[str]) -> Callable[[Rows, list[ResourceObject]], list[ResourceObject]] | None:
    """A function that reads the included resources for task stages."""
    if not wanted:
        return None
    # To include the workspace is to include the run that leads to it.
    names = wanted | ({"run"} if "run.workspace" in wanted else set())
    return lambda rows, _shown: [each for name in LOADERS if name in names for each in LOADERS[name](rows)]
