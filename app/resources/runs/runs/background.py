"""What is removed some time after the end of runs."""

from typing import Final

from app.models.background_tasks import DueTask
from app.resources.runs.assessment_results.retention import remove_old_assessments
from app.resources.runs.configuration_versions.retention import archive_unused_configurations
from app.resources.runs.runs.retention import AT_ONCE, remove_old_plan_files

# A task goes on the next time rather than to work for hours.
ROUNDS: Final = 50


def remove_old_files(_task: DueTask) -> None:
    """Remove the files of old plans and old assessments, and give up configurations that nobody has used."""
    for remove in (remove_old_plan_files, archive_unused_configurations, remove_old_assessments):
        for _ in range(ROUNDS):
            if remove() < AT_ONCE:
                break
