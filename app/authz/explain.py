"""Finds the grants that give a caller permissions on a row. The decisions are made by ``rules``."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from app.authz.grants import Grant, Grants, GrantsWithSources
from app.authz.permissions import P
from app.authz.rules import permissions_on
from app.persistence import AnyRow


@dataclass(frozen=True, slots=True)
class _Holder:
    grants: Grants


def grants_on(
    traced: GrantsWithSources,
    scope: Mapping[str, str],
    row: AnyRow,
) -> Iterator[tuple[Grant, frozenset[P]]]:
    """The grants that give any permission on the row, each with the permissions that it would give alone."""
    for grant in traced.traced:
        alone = Grants()
        alone.add(grant.level, grant.target, grant.permissions, grant.source)
        given = permissions_on(_Holder(alone), scope, row)
        if given:
            yield grant, given
