"""The blueprint that the routes of tokens share, and how a token is made."""

from typing import Any

from flask import Blueprint, Response
from sqlalchemy.orm import Session

from app.authentication.tokens import digest, new_token
from app.models.authentication_tokens import AuthenticationToken
from app.resources.accounts.authentication_tokens.listing import PROJECT_TOKENS, TOKENS, shown_token
from app.resources.accounts.authentication_tokens.operations import add_token
from app.services import services
from app.web.answers import resource_response
from app.web.context import caller
from app.web.transaction import created_changes, record_event

blueprint = Blueprint("authentication_tokens", __name__, url_prefix="/api/v2")


def issue_token(session: Session, members: dict[str, Any], **owner: str) -> tuple[str, dict[str, Any]]:
    """A new token: its text, and its resource object without it."""
    text, token = make_token(session, members, **owner)
    if token.project_id is not None:
        return text, PROJECT_TOKENS.get_resource({"id": token.id}, session)
    return text, shown_token(TOKENS.get({"id": token.id}, session))


def make_token(session: Session, members: dict[str, Any], **owner: str) -> tuple[str, AuthenticationToken]:
    """Make a token for the caller, with its event; returns its text, and its row, which lacks the text."""
    text = new_token()
    who = caller()
    token = add_token(
        session,
        members,
        digest=digest(text, services().settings.secret_key),
        created_by_type=who.type,
        created_by_id=who.id,
        **owner,
    )
    record_event(session, "authentication-tokens.create", token, created_changes(members))
    session.flush()
    return text, token


def shown_once(shown: dict[str, Any], text: str) -> Response:
    """The answer with the text of a new token. No other answer has it."""
    shown["attributes"]["token"] = text
    return resource_response(shown, 201)
