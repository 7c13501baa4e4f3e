"""Limits how often links are made for an address, so that nobody can fill somebody's mailbox with invitations."""

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import delete, func, select, union_all
from sqlalchemy.orm import Session

from app.jsonapi.errors import TooManyRequests
from app.models.invitations import Invitation, InvitationMessage
from app.persistence import Base, fold_case, in_values, now

WINDOW: Final = timedelta(hours=1)
# The first link and some that were lost; of all invitations of an address, whoever sends them.
OF_INVITATION: Final = 10
OF_ADDRESS: Final = 50

_TABLE = Base.metadata.tables[InvitationMessage.__tablename__]


class TooManyMessages(TooManyRequests):
    """Too many links were made for this invitation or address in the last hour."""

    code = "too-many-messages"
    detail = "Too many messages have gone to this address; try again later"


def note(session: Session, invitations: Sequence[Invitation]) -> None:
    """Note the links that are made for these invitations, or refuse all of them if there were too many.

    A refused link is not noted, so waiting always helps. Links that are made for one address at the same moment do not
    see each other; there are never more of them than requests are served at once.
    """
    if not invitations:
        return
    moment = now()
    session.execute(delete(InvitationMessage).where(InvitationMessage.created_at <= moment - WINDOW))
    messages = [{"invitation_id": each.id, "address": fold_case(each.email)} for each in invitations]
    oldest: Sequence[datetime] = session.scalars(_crowded(messages, moment)).all()
    if oldest:
        raise TooManyMessages.for_seconds(max(1, math.ceil((max(oldest) + WINDOW - moment).total_seconds())))
    session.execute(_TABLE.insert(), messages)


def _crowded(messages: Sequence[dict[str, str]], moment: datetime) -> Any:  # noqa: ANN401 - a statement
    """The time of the oldest link of each invitation and address that has reached its limit."""
    return union_all(
        *(
            select(func.min(_TABLE.c.created_at))
            .where(in_values(column, [each[column.name] for each in messages]), _TABLE.c.created_at > moment - WINDOW)
            .group_by(column)
            .having(func.count() >= limit)
            for column, limit in ((_TABLE.c.invitation_id, OF_INVITATION), (_TABLE.c.address, OF_ADDRESS))
        ),
    )
