"""What is included with run tasks."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from app.resources.run_tasks.workspace_tasks.listing import WORKSPACE_TASKS
from app.resources.workspaces.workspaces.listing import WORKSPACES
from app.web.listing import ResourceObject

LINKS: Final = "workspace_tasks"
WORKSPACES_OF_LINKS: Final = "workspace_tasks.workspace"
INCLUDES: Final = (LINKS, WORKSPACES_OF_LINKS)

Including = Callable[[Sequence[Any], list[ResourceObject]], list[ResourceObject]]


def including(wanted: set[str]) -> Including | None:
    """A function that reads the included resources for run tasks."""
    if not wanted:
        return None

    def read(rows: Sequence[Any], _shown: list[ResourceObject]) -> list[ResourceObject]:
        links = WORKSPACE_TASKS.find_many({each for row in rows for each in row.workspace_task_ids})
        if WORKSPACES_OF_LINKS not in wanted:
            return links
        # To include the workspaces is to include what leads to them.
        return links + WORKSPACES.find_many({each["relationships"]["workspace"]["data"]["id"] for each in links})

    return read
