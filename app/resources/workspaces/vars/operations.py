"""The rules of variables: their limits, what may change, and keeping values out of the record of activity."""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import flag_modified

from app.jsonapi.errors import InvalidAttribute, NotFound, Unprocessable
from app.models.vars import Var, new_version
from app.persistence import KeptStatement, in_values
from app.services import services

# In the environment of a program, a variable's name ends at the first equals sign or white space.
ENV_KEY = re.compile(r"[^=\s]+")
# Replaces every value in the record of activity: even a plain one may turn out to be a secret.
HIDDEN = "(hidden)"
CHANGEABLE = ("key", "category", "value", "sealed_value", "description", "hcl", "sensitive", "version_id")

# Limits for one workspace or set, because its variables are always listed all at once: their number, and the
# characters of all their stored values.
MAXIMUM = 2_000
MAXIMUM_LENGTH = 8_000_000

Changes = dict[str, list[Any]]


class TooManyVars(Unprocessable):
    """The workspace or set has as many variables as are allowed."""

    code = "too-many-variables"
    pointer = "/data"
    detail = f"A workspace or variable set can't have more than {MAXIMUM} variables"


class ValuesTooLong(Unprocessable):
    """The values of the workspace's or set's variables are too long together."""

    code = "values-too-long"
    pointer = "/data"
    detail = f"The values of a workspace or variable set can't have more than {MAXIMUM_LENGTH} characters in all"


def new_var(members: Mapping[str, Any], **owner: str | None) -> tuple[Var, Changes]:
    """A variable with these attributes, not stored yet, and the changes for its event."""
    check_key(members["key"], members["category"])
    plain = {name: value for name, value in members.items() if name != "value"}
    plain["sensitive"] = members.get("sensitive", False)
    variable = Var(**plain, **_kept(members.get("value") or "", sensitive=plain["sensitive"]), **owner)
    shown = {name.replace("_", "-"): [None, value] for name, value in plain.items() if value is not None}
    return variable, {**shown, "value": [None, HIDDEN]}


def change_var(variable: Var, members: Mapping[str, Any]) -> Changes:
    """Set these attributes on the variable, with a new version in any case; returns what changed.

    Null for a sensitive value means no change: clients are shown null, and may send it back.
    """
    if variable.sensitive:
        _check_sensitive(variable, members)
    check_key(members.get("key", variable.key), members.get("category", variable.category))
    columns = {name: value for name, value in members.items() if name != "value"}
    sensitive = columns.get("sensitive", variable.sensitive)
    value = variable.value if members.get("value") is None and sensitive else members.get("value", variable.value)
    is_new_value = False
    if not sensitive or value is not None:
        is_new_value = sensitive or (value or "") != variable.value
        columns |= _kept(value or "", sensitive=sensitive)
    columns["version_id"] = new_version()
    changes: Changes = {}
    for name, after in columns.items():
        before = getattr(variable, name)
        if before != after:
            setattr(variable, name, after)
            if name not in {"value", "sealed_value"}:
                changes[name.replace("_", "-")] = [before, after]
    if is_new_value:
        changes["value"] = [HIDDEN, HIDDEN]
    return changes


def check_room(session: Session, *, is_new: bool, **owner: str) -> None:
    """Refuse new or changed variables, already flushed, that exceed the limits of the workspace or set.

    Concurrent requests may exceed them a little, which is harmless.
    """
    [name] = owner
    ((count, total),) = _used_of(name).all(session.connection(), owner)
    if is_new and count > MAXIMUM:
        raise TooManyVars
    if total > MAXIMUM_LENGTH:
        raise ValuesTooLong


@cache
def _used_of(owner: str) -> KeptStatement:
    columns = Var.__table__.c
    length = func.length(func.coalesce(columns.value, columns.sealed_value))
    found = select(func.count(), func.coalesce(func.sum(length), 0)).where(columns[owner] == bindparam(owner))
    return KeptStatement(found)


def check_key(key: str, category: str) -> None:
    """Refuse a key that can't be the name of an environment variable."""
    if category == "env" and not ENV_KEY.fullmatch(key):
        raise InvalidAttribute(
            "Key of an environment variable may not contain blanks or an equals sign",
            pointer="/data/attributes/key",
        )


def vars_to_change(session: Session, identifiers: Sequence[str], **owner: str) -> dict[str, Var]:
    """The variables with these ids in the workspace or set, locked, by id; 404 if one is missing."""
    columns = Var.__table__.c
    found = session.scalars(
        select(Var)
        .where(in_values(Var.id, identifiers), *(columns[name] == value for name, value in owner.items()))
        # Always in the same order, so that two batches can't deadlock.
        .order_by(Var.id)
        .with_for_update(),
    )
    by_id = {variable.id: variable for variable in found}
    if len(by_id) < len(set(identifiers)):
        raise NotFound
    return by_id


def write_whole(variable: Var) -> None:
    """Mark all columns as changed, so that many updated variables are written in one statement."""
    for name in CHANGEABLE:
        flag_modified(variable, name)


def _kept(value: str, *, sensitive: bool) -> dict[str, str | None]:
    if sensitive:
        return {"value": None, "sealed_value": services().keyring.seal(value.encode())}
    return {"value": value, "sealed_value": None}


def _check_sensitive(variable: Var, members: Mapping[str, Any]) -> None:
    if members.get("sensitive") is False:
        raise InvalidAttribute(
            "Sensitive can't be taken back; delete the variable and create it again",
            pointer="/data/attributes/sensitive",
        )
    # Under another key a program might print the value, taking it for something harmless. The category may change, as
    # with HCP Terraform.
    if members.get("key", variable.key) != variable.key:
        raise InvalidAttribute(
            "Key of a sensitive variable can't be changed; delete it and create another",
            pointer="/data/attributes/key",
        )
