"""The ``permissions`` attribute of resources: what the caller may do, as the clients' flags."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from app.authz.permissions import P
from app.jsonapi.fields import Computed


def permission_flags(flags: Mapping[str, P | bool]) -> Computed:
    """An attribute with a boolean for each flag: whether the permission is held, or a constant.

    The set of permissions is the same for most rows of a page, so its flags are made once.
    """

    @cache
    def shown(held: frozenset[P]) -> dict[str, bool]:
        return {flag: needed if isinstance(needed, bool) else needed in held for flag, needed in flags.items()}

    def make(_row: Any, held: frozenset[P]) -> dict[str, bool]:  # noqa: ANN401 - any row
        return shown(held)

    return Computed(
        make,
        schema={
            "type": "object",
            "properties": {flag: {"type": "boolean"} for flag in flags},
            "required": sorted(flags),
        },
    )
