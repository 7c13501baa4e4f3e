"""What HCP Terraform's own OpenAPI document says of the operations that Groundplan has, too.

The document is not in this repository. ``GROUNDPLAN_HCP_OPENAPI`` says where it is; without it the tests are skipped.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.contract.description import ROOT, committed, operations, placeless, resolved
from tests.contract.differences import ANSWER, BODY, DIFFERENCES, OF_ONE_OPERATION, STATUSES

GIVEN = os.environ.get("GROUNDPLAN_HCP_OPENAPI")
PLACE = Path(GIVEN) if GIVEN else ROOT.parent / "shared" / "spec" / "hcp-openapi.json"

pytestmark = pytest.mark.skipif(
    not PLACE.is_file(),
    reason="HCP Terraform's OpenAPI document is not here: name it in GROUNDPLAN_HCP_OPENAPI",
)


class Shared(NamedTuple):
    """An operation that both documents have."""

    name: str
    ours: dict[str, Any]
    theirs: dict[str, Any]


OURS = committed()
THEIRS: dict[str, Any] = json.loads(PLACE.read_text(encoding="utf-8")) if PLACE.is_file() else {"paths": {}}
_KNOWN = {(placeless(path), method): operation for path, method, operation in operations(THEIRS)}
SHARED = [
    Shared(f"{method.upper()} {path}", operation, _KNOWN[placeless(path), method])
    for path, method, operation in operations(OURS)
    if (placeless(path), method) in _KNOWN
]


def names(shared: Shared) -> str:
    return shared.name


def successes(operation: Mapping[str, Any]) -> set[str]:
    return {status for status in operation["responses"] if status.startswith("2")}


def members(document: dict[str, Any], schema: dict[str, Any], unless: str) -> dict[str, Any]:
    """The members of an object, of each of its variants, or of the objects in an array; not those marked otherwise."""
    schema = resolved(document, schema)
    found = dict(schema.get("properties", {}))
    for variant in (*schema.get("allOf", ()), *schema.get("anyOf", ()), *schema.get("oneOf", ())):
        found |= members(document, variant, unless)
    if "items" in schema:
        found |= members(document, schema["items"], unless)
    return {name: member for name, member in found.items() if not member.get(unless)}


def resource_type(document: dict[str, Any], data: dict[str, Any]) -> str:
    """The type of the resource objects in a document's data."""
    type_ = members(document, data, "nothing").get("type", {})
    return str(type_.get("const") or next(iter(type_.get("enum", ())), ""))


def primary(document: dict[str, Any], operation: Mapping[str, Any], where: str) -> dict[str, Any]:
    """The schema of ``data`` in the body or in the successful answer; empty when there is none."""
    if where == BODY:
        given = resolved(document, operation.get("requestBody", {}))
    else:
        given = resolved(document, operation["responses"][min(successes(operation))])
    contents: list[dict[str, Any]] = list(given.get("content", {}).values())
    schema = contents[0]["schema"] if contents else {}
    data: dict[str, Any] = members(document, schema, "nothing").get("data", {})
    return data


def attributes(document: dict[str, Any], data: dict[str, Any], where: str) -> set[str]:
    unless = "readOnly" if where == BODY else "writeOnly"
    return set(members(document, members(document, data, unless).get("attributes", {}), unless))


def test_most_operations_are_hcp_s() -> None:
    ours = {(placeless(path), method) for path, method, _ in operations(OURS)}
    assert len(SHARED) > len(ours) / 2


@pytest.mark.parametrize("shared", SHARED, ids=names)
def test_success_has_a_status_that_hcp_documents(shared: Shared) -> None:
    assert successes(shared.ours) - successes(shared.theirs) == set(STATUSES.get(shared.name, ()))


@pytest.mark.parametrize("where", [ANSWER, BODY])
@pytest.mark.parametrize("shared", SHARED, ids=names)
def test_attributes_differ_only_as_intended(shared: Shared, where: str) -> None:
    data = primary(OURS, shared.ours, where)
    ours = attributes(OURS, data, where)
    theirs = attributes(THEIRS, primary(THEIRS, shared.theirs, where), where)
    found = {f"-{name}" for name in theirs - ours} | {f"+{name}" for name in ours - theirs}
    # Identifiers in a relationship's body are of a type, too, and have no attributes.
    type_ = resource_type(OURS, data)
    of_type = DIFFERENCES.get((type_, where), {}) if ours or theirs else {}
    intended = OF_ONE_OPERATION.get((shared.name, where), of_type)
    assert found == set(intended), "unintended, or an entry of differences.py that is no longer true"


def test_every_intended_difference_is_of_something_shared() -> None:
    found = {
        (resource_type(OURS, primary(OURS, each.ours, where)), where) for each in SHARED for where in (ANSWER, BODY)
    }
    assert set(DIFFERENCES) <= found
    assert {name for name, _ in OF_ONE_OPERATION} <= {each.name for each in SHARED}
