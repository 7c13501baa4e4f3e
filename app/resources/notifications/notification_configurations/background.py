"""Deliveries of notifications as background tasks: one request for each, or one message for each address."""

import logging
from collections.abc import Callable, Mapping
from typing import Any, Final

from sqlalchemy import Update, select, update
from sqlalchemy.orm import Session

from app.models.background_tasks import DueTask, PermanentError, RetryLaterError, schedule
from app.models.notification_configurations import EMAIL, NotificationConfiguration
from app.models.organization_memberships import OrganizationMembership
from app.models.teams import TeamMember
from app.models.users import User
from app.outbound import AddressRefused, OutboundError
from app.persistence import AnyRow, Base, in_values
from app.resources.notifications.notification_configurations.payloads import VERIFICATION, message_of
from app.resources.notifications.notification_configurations.sending import (
    ATTEMPT,
    DELIVERY,
    kept_of_failure,
    send,
)
from app.services import services
from app.web.mailing import require_mail_server, send_mail

logger = logging.getLogger(__name__)

MAIL: Final = "mail-notification"
"""The kind of the tasks for single messages."""
ATTEMPTS: Final = 6
# The pauses after the attempts: from half a minute to an hour.
PAUSES: Final = (30.0, 100.0, 330.0, 1100.0, 3600.0)
_TABLE: Final = Base.metadata.tables[NotificationConfiguration.__tablename__]

Finish = Callable[[Session], None]


def deliver_notification(task: DueTask) -> Finish | None:
    """Tell one destination. A refused request is sent again later, with the same id in its headers."""
    configuration = _configuration(task, task.payload)
    if configuration is None:
        return None
    if configuration.destination_type == EMAIL:
        return lambda session: schedule_messages(session, configuration, task.payload)
    headers = {DELIVERY: task.id, ATTEMPT: str(task.attempt)}
    try:
        answer, kept = send(configuration, task.payload, headers)
    except OutboundError as error:
        _keep(configuration.id, kept_of_failure(configuration.url, error))
        if isinstance(error, AddressRefused):
            raise PermanentError(str(error)) from None
        raise RetryLaterError(str(error), _pause(task)) from None
    if not answer.is_success:
        _keep(configuration.id, kept)
        raise RetryLaterError(f"the destination answered {answer.status}", _pause(task))
    return lambda session: _keep_in(session, configuration.id, kept)


def mail_notification(task: DueTask) -> None:
    """Send one message."""
    configuration = _configuration(task, task.payload["told"])
    if configuration is None:
        return
    require_mail_server()
    subject, text = message_of(configuration.name, task.payload["told"], services().settings.own_url)
    send_mail(task, to=task.payload["to"], subject=subject, text=text)


def schedule_messages(session: Session, configuration: AnyRow, told: Mapping[str, Any]) -> None:
    """Have a message sent to each address of an e-mail configuration."""
    if services().settings.mail_server is None:
        logger.warning("%s was not told: the service sends no mail", configuration.id)
        return
    told = {name: told[name] for name in ("version", "trigger", "message", "path", "body")}
    for address in recipients_of(session, configuration):
        payload = {"configuration_id": configuration.id, "to": address, "told": told}
        schedule(session, MAIL, payload, lane=f"{configuration.id} {address}")


def recipients_of(session: Session, configuration: AnyRow) -> list[str]:
    """The addresses: of users who are still active members, and those that were named."""
    members = (
        select(User.email)
        .join(OrganizationMembership, OrganizationMembership.user_id == User.id)
        .where(
            OrganizationMembership.organization_id == configuration.organization_id,
            OrganizationMembership.status == "active",
            User.suspended_at.is_(None),
        )
        .order_by(User.email)
    )
    if configuration.email_all_members:
        members = members.join(TeamMember, TeamMember.membership_id == OrganizationMembership.id).where(
            TeamMember.team_id == configuration.team_id
        )
    else:
        members = members.where(in_values(User.__table__.c.id, configuration.user_ids))
    found = [str(email) for email in session.scalars(members) if email]
    return list(dict.fromkeys([*found, *configuration.email_addresses]))


def _configuration(task: DueTask, told: Mapping[str, Any]) -> AnyRow | None:
    """The configuration, if it is still there and enabled."""
    wanted = select(_TABLE).where(_TABLE.c.id == task.payload["configuration_id"])
    with services().engines.reading.connect() as connection:
        row = connection.execute(wanted).one_or_none()
    return row if row is not None and (row.enabled or told["trigger"] == VERIFICATION["trigger"]) else None


def _pause(task: DueTask) -> float:
    return PAUSES[min(task.attempt, len(PAUSES)) - 1]


def _keep(configuration_id: str, kept: Mapping[str, Any]) -> None:
    with services().engines.writing.begin() as connection:
        connection.execute(_keeping(configuration_id, kept))


def _keep_in(session: Session, configuration_id: str, kept: Mapping[str, Any]) -> None:
    session.connection().execute(_keeping(configuration_id, kept))


def _keeping(configuration_id: str, kept: Mapping[str, Any]) -> Update:
    return update(_TABLE).where(_TABLE.c.id == configuration_id).values(delivery_responses=[dict(kept)])
