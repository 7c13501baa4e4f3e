"""Which grants give somebody permissions on a row. It asks the rules of ``rules`` and has none of its own."""

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
