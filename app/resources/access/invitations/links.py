"""The link of an invitation: making its token, reading it, and having it mailed."""

import hmac
from collections.abc import Sequence
from typing import Final

from sqlalchemy.orm import Session

from app.jsonapi.errors import NotFound
from app.models.background_tasks import schedule
from app.models.invitations import Invitation
from app.persistence import AnyRow
from app.web.addresses import base_url
from app.web.listing import ResourceObject
from app.web.mailing import sends_mail
from app.web.signatures import NotSigned, read_signed, sign

SEND_INVITATION: Final = "send-invitation"
"""The kind of background task."""
# What the token is signed for.
PURPOSE = "invitation"
# A character that no id contains.
TOKEN_SEPARATOR = "."  # noqa: S105 - a character
# The path of the page and, below /api/v2, of the document.
PAGE = "/invitations/"


def parse_token(token: str) -> tuple[str, str]:
    """The invitation's id and nonce in the token; 404 if this service has not signed it."""
    try:
        identifier, nonce = read_signed(PURPOSE, token)
    except NotSigned:
        raise NotFound from None
    return identifier, nonce


def check_nonce(invitation: AnyRow, nonce: str) -> None:
    """Refuse a replaced link, with the same answer as for one that never existed."""
    if not hmac.compare_digest(invitation.nonce, nonce):
        raise NotFound


def make_token(invitation: AnyRow) -> str:
    """The secret text of the link."""
    return sign(PURPOSE, [invitation.id, invitation.nonce])


def send_links(session: Session, invitations: Sequence[Invitation]) -> None:
    """Have the links of the invitations mailed, if the service sends mail; within the transaction that made them.

    The task has no link: that is made when the mail is sent, from what the invitation holds then.
    """
    if sends_mail():
        for each in invitations:
            schedule(session, SEND_INVITATION, {"id": each.id}, key=f"{SEND_INVITATION}:{each.id}", replace=True)


def with_link(invitation: Invitation, shown: ResourceObject) -> ResourceObject:
    """The resource object of the invitation, with its link if the service sends no mail."""
    if sends_mail():
        return shown
    token = make_token(invitation)
    return {
        **shown,
        "attributes": {**shown["attributes"], "token": token, "link": f"{base_url()}{PAGE}{token}"},
    }
