"""Limits how often links are made for an address, so that nobody can fill somebody's mailbox with invitations."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from sqlalchemy.orm import Session

from app.jsonapi.errors import TooManyRequests
from app.models.invitations import Invitation, InvitationMessage
from app.persistence import fold_case
from app.web.throttle import Limit, Throttle

WINDOW: Final = timedelta(hours=1)
# The first link and some that were lost; of all invitations of an address, whoever sends them.
OF_INVITATION: Final = 10
OF_ADDRESS: Final = 50

MESSAGES: Final = Throttle(
    InvitationMessage,
    WINDOW,
    (Limit(("invitation_id",), OF_INVITATION), Limit(("address",), OF_ADDRESS)),
)


class TooManyMessages(TooManyRequests):
    """Too many links were made for this invitation or address in the last hour."""

    code = "too-many-messages"
    detail = "Too many messages have gone to this address; try again later"


def register_messages(session: Session, invitations: Sequence[Invitation]) -> None:
    """Count the links that are made for these invitations, or refuse all of them if there were too many.

    A refused link is not counted, so waiting always helps. Links that are made for one address at the same moment do
    not see each other; there are never more of them than requests are served at once.
    """
    if not invitations:
        return
    messages = [{"invitation_id": each.id, "address": fold_case(each.email)} for each in invitations]
    seconds = MESSAGES.delay(session, messages)
    if seconds:
        raise TooManyMessages.for_seconds(seconds)
    MESSAGES.register(session, messages)
