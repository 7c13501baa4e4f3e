"""What HCP Terraform's own OpenAPI document says of the operations that Groundplan has, too.

``hcp_names.json`` has the names of that document, ``differences.py`` says where Groundplan differs on purpose.
"""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.contract import hcp_names
from tests.contract.description import committed
from tests.contract.differences import (
    DIFFERENCES,
    NOT_COMPARED,
    OF_ONE_OPERATION,
    QUERY,
    RELATIONSHIPS,
    RELATIONSHIPS_OF_ONE_OPERATION,
    STATUSES,
)
from tests.contract.hcp_names import ANSWER, BODY, Operation, Resource


class Shared(NamedTuple):
    """An operation that both documents have."""

    name: str
    ours: Operation
    theirs: Operation


OURS = hcp_names.operations_of(committed())
THEIRS = hcp_names.read()
SHARED = [
    Shared(name, operation, THEIRS[name])
    for name, operation in OURS.items()
    if name in THEIRS and name not in NOT_COMPARED
]


def difference(ours: list[str], theirs: list[str]) -> set[str]:
    return {f"-{name}" for name in set(theirs) - set(ours)} | {f"+{name}" for name in set(ours) - set(theirs)}


def unintended(found: Mapping[str, set[str]], intended: Mapping[str, Collection[str]]) -> dict[str, set[str]]:
    """For each operation, what is found and is not intended, or is an entry of differences.py and no longer true."""
    return {name: found[name] ^ set(intended[name]) for name in found if found[name] != set(intended[name])}


def resources(shared: Shared, where: str) -> tuple[Resource, Resource]:
    if where == BODY:
        return shared.ours.body, shared.theirs.body
    return shared.ours.answer, shared.theirs.answer


def test_most_operations_are_hcp_s() -> None:
    assert len(SHARED) > len(OURS) / 2


def test_success_has_a_status_that_hcp_documents() -> None:
    found = {each.name: set(each.ours.statuses) - set(each.theirs.statuses) for each in SHARED}
    assert unintended(found, {each.name: STATUSES.get(each.name, ()) for each in SHARED}) == {}


@pytest.mark.parametrize("where", [ANSWER, BODY])
def test_attributes_differ_only_as_intended(where: str) -> None:
    found, intended = {}, {}
    for each in SHARED:
        ours, theirs = resources(each, where)
        # Identifiers in a relationship's body are of a type, too, and have no attributes.
        of_type = DIFFERENCES.get((ours.type, where), {}) if ours.attributes or theirs.attributes else {}
        found[each.name] = difference(ours.attributes, theirs.attributes)
        intended[each.name] = OF_ONE_OPERATION.get((each.name, where), of_type)
    assert unintended(found, intended) == {}


def test_relationships_differ_only_as_intended() -> None:
    found, intended = {}, {}
    for each in SHARED:
        ours, theirs = resources(each, ANSWER)
        of_type = RELATIONSHIPS.get(ours.type, {}) if ours.relationships or theirs.relationships else {}
        found[each.name] = difference(ours.relationships, theirs.relationships)
        intended[each.name] = RELATIONSHIPS_OF_ONE_OPERATION.get(each.name, of_type)
    assert unintended(found, intended) == {}


def test_whatever_hcp_takes_in_a_query_string_is_taken() -> None:
    missing = {}
    for each in SHARED:
        # Either spelling is taken: see jsonapi/query.py.
        ours = {name.replace("-", "_") for name in each.ours.include}
        missing[each.name] = set(each.theirs.query) - set(each.ours.query)
        missing[each.name] |= {f"include={name}" for name in each.theirs.include if name.replace("-", "_") not in ours}
    assert unintended(missing, {each.name: QUERY.get(each.name, ()) for each in SHARED}) == {}


def test_every_intended_difference_is_of_something_shared() -> None:
    found = {(resources(each, where)[0].type, where) for each in SHARED for where in (ANSWER, BODY)}
    assert set(DIFFERENCES) <= found
    assert {(type_, ANSWER) for type_ in RELATIONSHIPS} <= found
    assert set(NOT_COMPARED) <= set(OURS) & set(THEIRS)
    named = {*STATUSES, *QUERY, *RELATIONSHIPS_OF_ONE_OPERATION, *(name for name, _ in OF_ONE_OPERATION)}
    assert named <= {each.name for each in SHARED}


def test_a_renewed_file_says_what_the_document_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hcp_names, "FILE", tmp_path / "names.json")
    hcp_names.FILE.write_text(hcp_names.as_text(committed()), encoding="utf-8")
    found = hcp_names.read()
    assert set(found) == set(OURS)
    for name, ours in OURS.items():
        assert found[name][:3] == ours[:3]
        for there, here in ((found[name].answer, ours.answer), (found[name].body, ours.body)):
            assert there[1:] == here[1:]
