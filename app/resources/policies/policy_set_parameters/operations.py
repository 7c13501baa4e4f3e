"""The rules of parameters of policy sets."""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.jsonapi.errors import InvalidAttribute, Unprocessable
from app.models.policies import PolicySetParameter
from app.services import services

MOST_PARAMETERS: Final = 100
HIDDEN: Final = "(sensitive)"


class TooManyParameters(Unprocessable):
    """The set has as many parameters as it can have."""

    code = "too-many-policy-set-parameters"
    detail = f"A policy set has at most {MOST_PARAMETERS} parameters"


def check_room(session: Session, policy_set_id: str) -> None:
    """Refuse a parameter more than a set can have."""
    found = select(func.count()).where(PolicySetParameter.policy_set_id == policy_set_id)
    if (session.scalar(found) or 0) > MOST_PARAMETERS:
        raise TooManyParameters


def set_members(parameter: PolicySetParameter, members: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Set what was sent; returns what changed, without secrets."""
    before = _shown(parameter)
    was_sensitive = bool(parameter.sensitive)
    if was_sensitive and members.get("sensitive") is False:
        raise InvalidAttribute(
            "Sensitive can't become false: make another parameter instead", pointer="/data/attributes/sensitive"
        )
    if "key" in members:
        parameter.key = members["key"]
    parameter.sensitive = was_sensitive or bool(members.get("sensitive"))
    keyring = services().keyring
    if "value" in members or (parameter.value is None and parameter.sealed_value is None):
        text = members.get("value") or ""
    elif parameter.sealed_value is not None:
        text = keyring.unseal(parameter.sealed_value).decode()
    else:
        text = parameter.value or ""
    parameter.value = None if parameter.sensitive else text
    parameter.sealed_value = keyring.seal(text.encode()) if parameter.sensitive else None
    after = _shown(parameter)
    if "value" in members and was_sensitive:
        # That it was set again is told, and not whether it is another one.
        after["value"] = f"{HIDDEN} again"
    return {
        name: [before[name], value if value != f"{HIDDEN} again" else HIDDEN]
        for name, value in after.items()
        if before[name] != value
    }


def _shown(parameter: PolicySetParameter) -> dict[str, Any]:
    value = HIDDEN if parameter.sealed_value is not None else parameter.value
    return {"key": parameter.key, "value": value, "sensitive": bool(parameter.sensitive)}
