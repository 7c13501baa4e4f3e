"""The link of an invitation: its token, what it opens, and the mail that brings it."""

import hashlib
import hmac
from functools import partial
from typing import Any

from flask import request
from itsdangerous import BadData, URLSafeSerializer
from sqlalchemy import update

from app.jsonapi.errors import NotFound
from app.mail.outbox import outbox
from app.mail.server import Message, one_line
from app.persistence import now
from app.persistence.engine import Engines
from app.resources.invitations.model import Invitation
from app.web.context import engines, settings
from app.web.listing import Shown

# What no id has.
MARK = "."


def opened(token: str) -> tuple[str, str]:
    """The id and the nonce in the token; 404 for anything that this service has not signed."""
    try:
        identifier, nonce = _signer().loads(token)
    except BadData:
        raise NotFound from None
    return identifier, nonce


def check_nonce(invitation: Invitation, nonce: str) -> None:
    """Refuse an earlier link, in the words of one that never was."""
    if not hmac.compare_digest(invitation.nonce, nonce):
        raise NotFound


def deliver(invitation: Invitation, shown: Shown) -> Shown:
    """The resource object, with the link for who asked for it; or without, when mail brings it to the address.

    To be called when the invitation is committed.
    """
    token = str(_signer().dumps([invitation.id, invitation.nonce]))
    base = settings().url or request.host_url.rstrip("/")
    link = f"{base}/api/v2/invitations/{token}"
    box = outbox()
    if box is None:
        return {**shown, "attributes": {**shown["attributes"], "token": token, "link": link}}
    box.put(_message(shown["attributes"], link), partial(_note_sent, engines(), invitation.id, invitation.nonce))
    return shown


def _message(attributes: dict[str, Any], link: str) -> Message:
    told = {name: one_line(str(value)) for name, value in attributes.items()}
    inviter = told["invited-by-name"] if attributes["invited-by-name"] else "Somebody"
    is_project = attributes["project-name"] is not None
    place = f"project {told['project-name']}" if is_project else f"workspace {told['workspace-name']}"
    rank = f"role {told['role']}" if is_project else f"level {told['level']}"
    return Message(
        to=attributes["email"],
        subject=f"Invitation to the {place} of {told['organization-name']}",
        text=f"""{inviter} invites you to the {place} of the organization {told["organization-name"]},
with the {rank}. The invitation is good until {told["expires-at"]}.

To see it, and to accept it, you need an account with this e-mail address and a token of it:

  curl -H "Authorization: Bearer $TOKEN" {link}

  curl -X POST -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/vnd.api+json" \\
    {link}/actions/accept

If you have no account yet, ask whoever runs the service for one. If you did not expect this, do nothing.
""",
    )


def _note_sent(databases: Engines, invitation_id: str, nonce: str) -> None:
    # In the thread of the outbox. An invitation that was renewed meanwhile is on its way once more.
    sent = update(Invitation).where(Invitation.id == invitation_id, Invitation.nonce == nonce)
    with databases.writing.begin() as connection:
        connection.execute(sent.values(sent_at=now()))


def _signer() -> URLSafeSerializer:
    return URLSafeSerializer(
        settings().secret_key,
        salt="groundplan invitation",
        signer_kwargs={"digest_method": hashlib.sha256, "key_derivation": "hmac"},
    )
