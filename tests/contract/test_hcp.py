"""What HCP Terraform's own OpenAPI document says of the operations that Groundplan has, too.

``hcp_names.json`` has the names of that document, ``differences.py`` says where Groundplan differs on purpose.
"""

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


def each_shared(shared: Shared) -> str:
    return shared.name


def difference(ours: list[str], theirs: list[str]) -> set[str]:
    return {f"-{name}" for name in set(theirs) - set(ours)} | {f"+{name}" for name in set(ours) - set(theirs)}


def resources(shared: Shared, where: str) -> tuple[Resource, Resource]:
    if where == BODY:
        return shared.ours.body, shared.theirs.body
    return shared.ours.answer, shared.theirs.answer


def test_most_operations_are_hcp_s() -> None:
    assert len(SHARED) > len(OURS) / 2


@pytest.mark.parametrize("shared", SHARED, ids=each_shared)
def test_success_has_a_status_that_hcp_documents(shared: Shared) -> None:
    assert set(shared.ours.statuses) - set(shared.theirs.statuses) == set(STATUSES.get(shared.name, ()))


@pytest.mark.parametrize("where", [ANSWER, BODY])
@pytest.mark.parametrize("shared", SHARED, ids=each_shared)
def test_attributes_differ_only_as_intended(shared: Shared, where: str) -> None:
    ours, theirs = resources(shared, where)
    # Identifiers in a relationship's body are of a type, too, and have no attributes.
    of_type = DIFFERENCES.get((ours.type, where), {}) if ours.attributes or theirs.attributes else {}
    intended = OF_ONE_OPERATION.get((shared.name, where), of_type)
    found = difference(ours.attributes, theirs.attributes)
    assert found == set(intended), "unintended, or an entry of differences.py that is no longer true"


@pytest.mark.parametrize("shared", SHARED, ids=each_shared)
def test_relationships_differ_only_as_intended(shared: Shared) -> None:
    ours, theirs = resources(shared, ANSWER)
    of_type = RELATIONSHIPS.get(ours.type, {}) if ours.relationships or theirs.relationships else {}
    intended = RELATIONSHIPS_OF_ONE_OPERATION.get(shared.name, of_type)
    found = difference(ours.relationships, theirs.relationships)
    assert found == set(intended), "unintended, or an entry of differences.py that is no longer true"


@pytest.mark.parametrize("shared", SHARED, ids=each_shared)
def test_whatever_hcp_takes_in_a_query_string_is_taken(shared: Shared) -> None:
    missing = set(shared.theirs.query) - set(shared.ours.query)
    # Either spelling is taken: see jsonapi/query.py.
    ours = {name.replace("-", "_") for name in shared.ours.include}
    missing |= {f"include={name}" for name in shared.theirs.include if name.replace("-", "_") not in ours}
    assert missing == set(QUERY.get(shared.name, ())), "unintended, or an entry that is no longer true"


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
