"""Limits how many links are made for an address, so that nobody can fill a mailbox with invitations."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy.orm import Session

from app.models.invitations import Invitation, InvitationMessage
from app.persistence import fold_case
from app.web.mailing import WINDOW, TooManyMessages
from app.web.throttle import Limit, Throttle

# Per invitation: the first link, and some more if it was lost. Per address: all its invitations, from any caller.
OF_INVITATION: Final = 10
OF_ADDRESS: Final = 50

MESSAGES: Final = Throttle(
    InvitationMessage,
    WINDOW,
    (Limit(("invitation_id",), OF_INVITATION), Limit(("address",), OF_ADDRESS)),
)


def register_messages(session: Session, invitations: Sequence[Invitation]) -> None:
    """Count the links that are made for these invitations, or refuse all of them if there were too many.

    A refused link is not counted, so waiting always helps. Concurrent requests don't count each other's links for an
    address; they can exceed the limit only by the number of requests that are served at once.
    """
    if not invitations:
        return
    messages = [{"invitation_id": each.id, "address": fold_case(each.email)} for each in invitations]
    seconds = MESSAGES.delay(session, messages)
    if seconds:
        raise TooManyMessages.for_seconds(seconds)
    MESSAGES.register(session, messages)
