"""Making an explanation: the subject's permissions on the resource, and the grants behind them."""

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple, cast

from sqlalchemy import Connection

from app.authentication.callers import Caller
from app.authz.explain import grants_on
from app.authz.grants import SITE, Grant, GrantsWithSources
from app.authz.permissions import P
from app.authz.policy import Level
from app.authz.rules import permissions_on, refusal
from app.jsonapi.errors import NotFound
from app.persistence import AnyRow
from app.resources.access.permissions.targets import Target
from app.resources.organizations.access_paths.sources import seen_sources
from app.web.context import caller

Given = Sequence[tuple[Grant, frozenset[P]]]


class Explanation(NamedTuple):
    """The row that an explanation's document is made from."""

    id: str
    permission: str | None
    allowed: bool
    permissions: list[dict[str, Any]]
    subject_type: str
    subject_id: str
    resource_type: str
    resource_id: str


def explain(
    connection: Connection,
    subject: Caller,
    target: Target,
    row: AnyRow,
    permissions: Sequence[P],
) -> list[dict[str, Any]]:
    """Explain each permission: whether the subject has it on the row, by which grants, and the status without it."""
    scope = target.model.grant_columns
    held_there = permissions_on(subject, scope, row)
    given = list(grants_on(cast("GrantsWithSources", subject.grants), scope, row))
    telling = _Telling(connection, subject, given)
    missing = refusal if target.read_by in held_there else _unseen
    return [
        {
            "permission": permission,
            "allowed": permission in held_there,
            "refusal": None if permission in held_there else missing(permission),
            "grants": telling.through(permission),
        }
        for permission in permissions
    ]


def _unseen(_permission: P) -> int:
    # If the subject can't see the resource, every other refusal is 404 as well.
    return NotFound.status


class _Telling:
    """The grants as far as the caller may see them, which is no more than the caller can see elsewhere.

    A caller sees their own grants in full, and those of others without sources that are hidden from the caller.
    """

    def __init__(self, connection: Connection, subject: Caller, given: Given) -> None:
        self._given = given
        who = caller()
        self._is_own = (subject.type, subject.id) == (who.type, who.id)
        self._sees_site_roles = self._is_own or P.SITE_ROLE_MANAGE in who.grants.at(Level.SITE, SITE)
        # The subject is visible to the caller, which was checked when it was looked up.
        self._seen: Collection[tuple[str, str]] = {
            (subject.type, subject.id),
            ("authentication-tokens", subject.token_id or ""),
        }
        if not self._is_own:
            self._seen = {*self._seen, *seen_sources(connection, {grant.source for grant, _ in given})}

    def through(self, permission: P) -> list[dict[str, Any]]:
        """The grants that give the permission; grants with the same source and target are shown as one."""
        grants = dict.fromkeys(
            (grant.level, grant.target, grant.source)
            for grant, permissions_on in self._given
            if permission in permissions_on
        )
        shown = []
        for level, target, source in grants:
            is_seen = self._is_own or (source.type, source.id) in self._seen
            is_named = is_seen and (level != Level.SITE or self._sees_site_roles)
            # Grants that everybody has come without a source.
            named = {"type": source.type, "id": source.id if is_seen else None}
            shown.append(
                {
                    "level": level,
                    "target": target,
                    "role": source.role if is_named else None,
                    "source": None if level == Level.PUBLIC else named,
                },
            )
        return shown
