"""The link of an invitation: making its token, reading it, and mailing it."""

import hmac
from functools import partial
from typing import Any

from sqlalchemy import update

from app.jsonapi.errors import NotFound
from app.mail.server import Message, one_line
from app.models.invitations import Invitation
from app.persistence import AnyRow, now
from app.persistence.engine import Engines
from app.services import services
from app.web.addresses import base_url
from app.web.listing import ResourceObject
from app.web.signatures import NotSigned, read_signed, sign

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


def deliver(invitation: Invitation, shown: ResourceObject) -> ResourceObject:
    """Mail the link of the invitation; returns its resource object, which has the link if the service sends no mail.

    Call it after the invitation is committed.
    """
    token = sign(PURPOSE, [invitation.id, invitation.nonce])
    box = services().outbox
    if box is None:
        link = f"{base_url()}{PAGE}{token}"
        return {**shown, "attributes": {**shown["attributes"], "token": token, "link": link}}
    box.put(
        _message(shown["attributes"], token), partial(_note_sent, services().engines, invitation.id, invitation.nonce)
    )
    return shown


def _message(attributes: dict[str, Any], token: str) -> Message:
    texts = {name: one_line(str(value)) for name, value in attributes.items()}
    inviter = texts["invited-by-name"] if attributes["invited-by-name"] else "Somebody"
    is_project = attributes["project-name"] is not None
    target = f"project {texts['project-name']}" if is_project else f"workspace {texts['workspace-name']}"
    access = f"role {texts['role']}" if is_project else f"level {texts['level']}"
    return Message(
        to=attributes["email"],
        subject=f"Invitation to the {target} of {texts['organization-name']}",
        text=f"""{inviter} invites you to the {target} of the organization {texts["organization-name"]},
with the {access}. The invitation is good until {texts["expires-at"]}.

See it and accept it here, signed in to the account with this e-mail address:

  {base_url()}{PAGE}{token}

{_how_to_get_an_account()} If you did not expect this, do nothing.

Without a browser, with a token of the account:

  curl -X POST -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/vnd.api+json" \\
    {base_url()}/api/v2{PAGE}{token}/actions/accept
""",
    )


def _how_to_get_an_account() -> str:
    if services().settings.sign_up == "invited":
        return "If you have no account yet, you make one on that page."
    return "If you have no account yet, ask whoever runs the service for one."


def _note_sent(databases: Engines, invitation_id: str, nonce: str) -> None:
    # Runs in the outbox's thread. If the invitation was renewed meanwhile, this link is outdated and a new one is sent.
    sent = update(Invitation).where(Invitation.id == invitation_id, Invitation.nonce == nonce)
    with databases.writing.begin() as connection:
        connection.execute(sent.values(sent_at=now()))
