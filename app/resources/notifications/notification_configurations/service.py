"""Use cases of notification configurations. A webhook is verified before the transaction: a host may take its time."""

from collections.abc import Mapping
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.jsonapi.errors import BadRequest, Conflict, InvalidAttribute, NotFound
from app.models.notification_configurations import EMAIL, NotificationConfiguration, new_id
from app.outbound import OutboundError
from app.persistence import AnyRow, now
from app.resources.notifications.notification_configurations.background import recipients_of, schedule_messages
from app.resources.notifications.notification_configurations.listing import (
    PARENTS,
    get_parent,
    get_resource,
    get_stored,
    parent_of,
)
from app.resources.notifications.notification_configurations.operations import check, check_room, check_users
from app.resources.notifications.notification_configurations.payloads import VERIFICATION
from app.resources.notifications.notification_configurations.sending import HIDDEN, kept_of_failure, send
from app.resources.notifications.notification_configurations.throttle import register_verifications
from app.services import services
from app.web.listing import ResourceObject
from app.web.mailing import sends_mail
from app.web.policy import get_for_update
from app.web.transaction import CHANGED_MEANWHILE, record_event, transaction
from app.web.waiting import TooManyVerifications, waiting_for_others

# How long after a verification another one is possible; else anybody's mailbox could be filled.
PAUSE: Final = timedelta(seconds=60)
# What a record of activity must not tell: whoever has the address of a webhook can write there.
SECRET: Final = frozenset({"url", "sealed_token", "email_addresses"})
OF_WEBHOOK: Final = frozenset({"enabled", "url", "sealed_token"})


class VerificationFailed(BadRequest):
    """The destination did not accept a request that verifies its address."""

    code = "verification-failed"
    pointer = "/data/attributes/url"

    def __init__(self, detail: str, kept: Mapping[str, Any]) -> None:
        """``kept`` is what is kept of the answer."""
        super().__init__(detail)
        self.kept = dict(kept)


def create_configuration(column: str, parent_id: str, members: dict[str, Any]) -> ResourceObject:
    """Add a configuration to a workspace, project or team; one that is enabled is verified first."""
    parent = get_parent(column, parent_id)
    check(members, of_team=column == "team_id")
    configuration = NotificationConfiguration(
        organization_id=parent.organization_id, **{column: parent_id}, **_sealed(members)
    )
    configuration.id = new_id()
    configuration.enabled = bool(configuration.enabled)
    if configuration.enabled and configuration.destination_type != EMAIL:
        configuration.delivery_responses = [_verify(configuration)]
        configuration.verified_at = now()
    with transaction() as session:
        _lock_parent(session, column, parent_id)
        check_room(session, column, parent_id)
        check_users(session, configuration.organization_id, members.get("user_ids") or ())
        session.add(configuration)
        session.flush()
        changes = {_shown(name): [None, _told(name, value)] for name, value in _sealed(members).items() if value}
        record_event(session, "notification-configurations.create", configuration, changes)
        return get_resource(configuration.id, session)


def update_configuration(
    identifier: str, members: dict[str, Any], action: str = "notification-configurations.update"
) -> ResourceObject:
    """Change a configuration. If it is enabled then, a new address or token is verified first."""
    stored = get_stored(identifier)
    if members.get("destination_type", stored.destination_type) != stored.destination_type:
        raise InvalidAttribute(
            "Destination type can't be changed; make another configuration", pointer="/data/attributes/destination-type"
        )
    column, parent_id = parent_of(stored)
    changed = _sealed(members)
    merged = {**stored._asdict(), **changed}
    check({**merged, "token": members.get("token")}, of_team=column == "team_id")
    kept = None
    if merged["enabled"] and merged["destination_type"] != EMAIL and changed.keys() & OF_WEBHOOK:
        kept = _verify(SimpleNamespace(**merged))
    with transaction() as session:
        _lock_parent(session, column, parent_id)
        configuration = _lock(session, stored)
        check_users(session, configuration.organization_id, members.get("user_ids") or ())
        before = {name: getattr(configuration, name) for name in changed}
        for name, value in changed.items():
            setattr(configuration, name, value)
        if kept is not None:
            configuration.delivery_responses, configuration.verified_at = [kept], now()
        changes = {
            _shown(name): [_told(name, value), _told(name, changed[name])]
            for name, value in before.items()
            if value != changed[name]
        }
        if changes:
            configuration.updated_at = now()
            session.flush()
            record_event(session, action, configuration, changes)
        session.flush()
        return get_resource(identifier, session)


def destroy_configuration(identifier: str) -> None:
    """Delete a configuration. What it was to be told and was not yet is dropped."""
    stored = get_stored(identifier)
    with transaction() as session:
        _lock_parent(session, *parent_of(stored))
        configuration = session.scalars(_found(identifier)).one_or_none()
        if configuration is None:
            raise NotFound
        record_event(session, "notification-configurations.delete", configuration, {"name": [configuration.name, None]})
        session.delete(configuration)


def verify_configuration(identifier: str) -> ResourceObject:
    """Send a verification, and keep the answer of the destination. 400 if it was not accepted."""
    stored = get_stored(identifier)
    if stored.verified_at is not None and stored.destination_type == EMAIL and stored.verified_at > now() - PAUSE:
        raise TooManyVerifications.for_seconds(int(PAUSE.total_seconds()))
    failure = None
    kept = None
    if stored.destination_type != EMAIL:
        try:
            kept = _verify(stored)
        except VerificationFailed as error:
            failure, kept = error, error.kept
    with transaction() as session:
        _lock_parent(session, *parent_of(stored))
        configuration = _lock(session, stored)
        configuration.verified_at = now()
        if kept is None:
            if sends_mail():
                register_verifications(session, configuration.id, recipients_of(session, configuration))
            schedule_messages(session, configuration, VERIFICATION)
        else:
            configuration.delivery_responses = [kept]
        record_event(session, "notification-configurations.verify", configuration)
        session.flush()
        shown = get_resource(identifier, session)
    if failure is not None:
        raise failure
    return shown


def _verify(configuration: AnyRow) -> dict[str, Any]:
    """What is kept of the answer to a verification."""
    with waiting_for_others():
        try:
            answer, kept = send(configuration, VERIFICATION)
        except OutboundError as error:
            kept = kept_of_failure(configuration.url, error)
            raise VerificationFailed(f"Url could not be verified: {error}", kept) from None
    if not answer.is_success:
        raise VerificationFailed(f"Url could not be verified: it answered {answer.status} instead of 200", kept)
    return kept


def _lock_parent(session: Session, column: str, parent_id: str) -> None:
    model, permission = PARENTS[column]
    get_for_update(session, model, parent_id, permission, visible_by=permission, share_lock=True)


def _found(identifier: str) -> Any:  # noqa: ANN401 - a select of the model
    return (
        select(NotificationConfiguration)
        .where(NotificationConfiguration.__table__.c.id == identifier)
        .with_for_update(of=NotificationConfiguration)
    )


def _lock(session: Session, stored: AnyRow) -> NotificationConfiguration:
    """The configuration, locked. What was verified must be what is changed."""
    configuration: NotificationConfiguration | None = session.scalars(_found(stored.id)).one_or_none()
    if configuration is None:
        raise NotFound
    if configuration.updated_at != stored.updated_at:
        raise Conflict(CHANGED_MEANWHILE)
    return configuration


def _sealed(members: Mapping[str, Any]) -> dict[str, Any]:
    """The columns for these attributes: the token in sealed form, empty lists for null."""
    columns = {name: value for name, value in members.items() if name != "token"}
    for name in ("triggers", "email_addresses"):
        if name in columns and columns[name] is None:
            columns[name] = []
    if "token" in members:
        token = members["token"]
        columns["sealed_token"] = services().keyring.seal(token.encode()) if token else None
    return columns


def _shown(name: str) -> str:
    return {"sealed_token": "token", "user_ids": "users"}.get(name, name.replace("_", "-"))


def _told(name: str, value: Any) -> Any:  # noqa: ANN401 - any attribute
    return HIDDEN if value and name in SECRET else value
