"""Every kind of background task, and how it is done."""

from collections.abc import Mapping
from typing import Final

from app.backups.drill import BACK_UP, back_up
from app.config import Settings
from app.models.assessment_results import READ_ASSESSMENT
from app.models.background_tasks import DELIVER_ANALYTICS
from app.models.run_followups import START_TRIGGERED_RUN
from app.models.run_task_parts import EXPIRE, REQUEST
from app.resources.access.expiring_grants.background import end_expired_grants
from app.resources.access.invitations.background import send_invitation
from app.resources.access.invitations.links import SEND_INVITATION
from app.resources.accounts.authentication_tokens.background import delete_expired
from app.resources.activity.activity_events.background import deliver_analytics
from app.resources.notifications.notification_configurations import background as notifications
from app.resources.platform.background_tasks.background import forget_dead_tasks
from app.resources.platform.stored_objects.background import sweep_objects
from app.resources.projects.recoverable_items.background import delete_expired_items
from app.resources.runs.assessment_results.background import read_assessment, start_due_assessments
from app.resources.runs.auto_destroy.background import destroy_due_workspaces
from app.resources.runs.run_triggers.background import start_triggered_run
from app.resources.runs.runs.background import remove_old_files
from app.resources.runs.task_results import background as run_tasks
from app.worker.handling import Handler

HANDLERS: Final[Mapping[str, Handler]] = {
    BACK_UP: Handler(perform=back_up, longest_seconds=12 * 60 * 60),
    EXPIRE: Handler(perform=run_tasks.expire_run_task),
    REQUEST: Handler(perform=run_tasks.request_run_task, attempts=run_tasks.ATTEMPTS),
    "assess-workspaces": Handler(perform=start_due_assessments, longest_seconds=10 * 60),
    "destroy-due-workspaces": Handler(perform=destroy_due_workspaces, longest_seconds=10 * 60),
    READ_ASSESSMENT: Handler(perform=read_assessment, longest_seconds=5 * 60),
    START_TRIGGERED_RUN: Handler(perform=start_triggered_run),
    DELIVER_ANALYTICS: Handler(perform=deliver_analytics, longest_seconds=180),
    SEND_INVITATION: Handler(perform=send_invitation, longest_seconds=120),
    "delete-expired": Handler(perform=delete_expired, longest_seconds=600),
    "end-expired-grants": Handler(perform=end_expired_grants, longest_seconds=600),
    "delete-expired-items": Handler(perform=delete_expired_items, longest_seconds=1800),
    "forget-dead-tasks": Handler(perform=forget_dead_tasks),
    "remove-old-files": Handler(perform=remove_old_files, longest_seconds=1800),
    "deliver-notification": Handler(perform=notifications.deliver_notification, attempts=notifications.ATTEMPTS),
    "mail-notification": Handler(perform=notifications.mail_notification, attempts=notifications.ATTEMPTS),
    "sweep-objects": Handler(perform=sweep_objects, longest_seconds=6 * 60 * 60),
}

PERIODS: Final[Mapping[str, int]] = {
    "assess-workspaces": 60,
    "destroy-due-workspaces": 30,
    "delete-expired": 60 * 60,
    "delete-expired-items": 60 * 60,
    "end-expired-grants": 60 * 60,
    "forget-dead-tasks": 24 * 60 * 60,
    "remove-old-files": 10 * 60,
    "sweep-objects": 24 * 60 * 60,
}
"""What is done again and again: how many seconds after it was done."""


def periods_of(settings: Settings) -> Mapping[str, int]:
    """What is done again and again with these settings."""
    if settings.backups is None:
        return PERIODS
    return {**PERIODS, BACK_UP: settings.backups.hours * 60 * 60}
