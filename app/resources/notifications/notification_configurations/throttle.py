"""Limits how often an address is sent verifications, so that nobody can fill a mailbox with them."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy.orm import Session

from app.models.invitations import InvitationMessage
from app.persistence import fold_case
from app.web.mailing import WINDOW, TooManyMessages
from app.web.throttle import Limit, Throttle

# From any configuration, also one that is gone. The links of invitations count, too, but may be more.
OF_ADDRESS: Final = 10

MESSAGES: Final = Throttle(InvitationMessage, WINDOW, (Limit(("address",), OF_ADDRESS),))


def register_verifications(session: Session, configuration_id: str, addresses: Sequence[str]) -> None:
    """Count a message to each of these addresses, or refuse all of them if one has got too many."""
    if not addresses:
        return
    folded = sorted({fold_case(each) for each in addresses})
    messages = [{"invitation_id": configuration_id, "address": each} for each in folded]
    seconds = MESSAGES.delay(session, messages)
    if seconds:
        raise TooManyMessages.for_seconds(seconds)
    MESSAGES.register(session, messages)
