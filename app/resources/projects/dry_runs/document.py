"""The answer to a dry run."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from flask import Response

from app.authz.permissions import P
from app.resources.organizations.access_paths.sources import SEEN_BY
from app.resources.organizations.access_paths.standing import LISTED, Standing, compare
from app.web.answers import resource_response

__all__ = ["ACCESS", "DRY_RUN", "SEEN_BY", "DryRun", "dry_run", "dry_run_response"]

_TEXT: Final[dict[str, Any]] = {"type": "string"}
_TEXT_OR_NULL: Final[dict[str, Any]] = {"type": ["string", "null"]}
_COUNT: Final[dict[str, Any]] = {"type": "integer", "minimum": 0}


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "required": list(properties), "properties": properties}


_PATH: Final = _object(
    {
        "type": _TEXT,
        "id": _TEXT_OR_NULL,
        "role": _TEXT_OR_NULL,
        "team": {"anyOf": [_object({"id": _TEXT, "name": _TEXT_OR_NULL}), {"type": "null"}]},
    }
)
_CHANGE: Final = _object(
    {
        "type": {"enum": ["users", "teams", "authentication-tokens"]},
        "id": _TEXT,
        "name": _TEXT_OR_NULL,
        "projects": _COUNT,
        "workspaces": _COUNT,
        "permissions": {"type": "array", "items": {"enum": list(P)}},
        "paths": {"type": "array", "items": _PATH},
    }
)
_CHANGES: Final = _object(
    {"total": _COUNT, "hidden": _COUNT, "listed": {"type": "array", "maxItems": LISTED, "items": _CHANGE}}
)
ACCESS: Final[dict[str, Any]] = {"gains-access": _CHANGES, "loses-access": _CHANGES}
DRY_RUN: Final[dict[str, Any]] = {"title": "dry-runs"} | _object(
    {
        "data": _object(
            {
                "id": _TEXT,
                "type": {"const": "dry-runs"},
                "attributes": _object(
                    {
                        "dry-run": {"const": True},
                        "action": _TEXT,
                        "counts": {"type": "object", "additionalProperties": _COUNT},
                        **ACCESS,
                    }
                ),
            }
        )
    }
)


@dataclass(frozen=True, slots=True)
class DryRun:
    """What a request would have done to the resource with this id."""

    id: str
    action: str
    counts: Mapping[str, int]
    access: Mapping[str, Any]


def dry_run(
    action: str,
    identifier: str,
    counts: Mapping[str, int],
    before: Standing,
    after: Standing,
) -> DryRun:
    """What has been done in this transaction, which is rolled back now."""
    return DryRun(identifier, action, counts, compare(before, after).shown())


def dry_run_response(found: DryRun) -> Response:
    """The document of a dry run."""
    attributes = {"dry-run": True, "action": found.action, "counts": found.counts, **found.access}
    return resource_response({"id": found.id, "type": "dry-runs", "attributes": attributes})
