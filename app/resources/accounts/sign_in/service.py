"""Use cases of sign in: each checks the caller, changes in one transaction and records its event."""

from collections.abc import Mapping

from sqlalchemy import select

from app.authentication.tokens import digest
from app.models.users import User
from app.resources.accounts.authentication_tokens.blueprint import make_token
from app.resources.accounts.authentication_tokens.operations import check_room
from app.resources.accounts.sign_in.browser import cookie_digest
from app.resources.accounts.sign_in.operations import fault_of, grant, take_code
from app.resources.accounts.sign_in.tokens import token_name
from app.services import services
from app.web.context import set_caller
from app.web.transaction import transaction


def grant_code(code: str, members: Mapping[str, str]) -> bool:
    """Store a code that can be exchanged for a token of this browser's user; False if the session has ended."""
    with transaction() as session:
        return grant(session, cookie_digest(), digest(code, services().settings.secret_key), members)


def redeem_code(code: str, *, client_id: str, redirect_uri: str, verifier: str) -> tuple[str | None, str | None]:
    """Exchange a code that the user has allowed for a token of the user. A code can be used once.

    Returns the text of the token and the fault of the request: one of the two is None.
    """
    text = None
    with transaction() as session:
        taken = take_code(session, digest(code, services().settings.secret_key))
        fault = fault_of(taken, client_id, redirect_uri, verifier)
        if taken is not None and fault is None:
            user = session.execute(select(User.id, User.username).where(User.id == taken.user_id)).one()
            set_caller(user.id, user.username)
            check_room(session, user.id)
            text, _ = make_token(session, {"description": token_name()}, user_id=user.id)
    return text, fault
