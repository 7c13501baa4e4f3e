"""The ``permissions`` attribute of resources: the caller's permissions as flags for clients."""

from collections.abc import Mapping
from functools import cache

from app.authz.permissions import P
from app.jsonapi.fields import Computed
from app.persistence import AnyRow


def permission_flags(flags: Mapping[str, P | bool]) -> Computed:
    """An attribute with flags: for each one, whether the caller has the permission, or a constant.

    Most rows of a page have the same set of permissions, so the flags are made once for each set.
    """

    @cache
    def shown(held: frozenset[P]) -> dict[str, bool]:
        return {flag: needed if isinstance(needed, bool) else needed in held for flag, needed in flags.items()}

    def make(_row: AnyRow, held: frozenset[P]) -> dict[str, bool]:
        return shown(held)

    return Computed(
        make,
        schema={
            "type": "object",
            "properties": {flag: {"type": "boolean"} for flag in flags},
            "required": sorted(flags),
        },
    )
