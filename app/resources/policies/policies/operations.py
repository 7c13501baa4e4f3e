"""The rules of policies: how many there may be, and what their code is."""

from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.jsonapi.errors import Unprocessable
from app.models.policies import Policy, PolicySet

MOST_POLICIES: Final = 500
MOST_SETS: Final = 100


class TooManyPolicies(Unprocessable):
    """The organization has as many policies or sets as it can have."""

    code = "too-many-policies"
    detail = f"An organization has at most {MOST_POLICIES} policies and {MOST_SETS} sets of them"


class PolicyCodeUnreadable(Unprocessable):
    """What was uploaded is no text."""

    code = "policy-code-unreadable"
    detail = "The code of a policy must be a text in UTF-8, without NUL characters"


def check_room(session: Session, organization_id: str) -> None:
    """Refuse a policy or set more than an organization can have: every run may read all of them."""
    for model, most in ((Policy, MOST_POLICIES), (PolicySet, MOST_SETS)):
        found = select(func.count()).select_from(model).where(model.organization_id == organization_id)
        if (session.scalar(found) or 0) > most:
            raise TooManyPolicies


def code_of(data: bytes) -> str:
    """The code that was uploaded."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise PolicyCodeUnreadable from None
    if "\0" in text:
        raise PolicyCodeUnreadable
    return text
