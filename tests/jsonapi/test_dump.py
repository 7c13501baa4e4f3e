"""The compiled dump and the library's own dump say the same, for every resource that is read through a listing."""

import importlib
import pkgutil
from collections import namedtuple
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import JSON, Boolean, Integer

import app.resources
from app.authz.permissions import P
from app.jsonapi.dump import compile_dump
from app.jsonapi.fields import Choice
from app.jsonapi.schema import Schema
from app.models.task_stages import STAGES
from app.persistence import Timestamp
from app.resources.accounts.users.listing import USER_COLUMNS
from app.resources.accounts.users.schema import AccountSchema, UserSchema
from app.web.listing import Listing

texts = st.text(st.characters(codec="utf-8"), max_size=8)
filled = texts.filter(bool)
moments = st.datetimes(datetime(1970, 1, 1), datetime(9000, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
flag_names = st.sampled_from(["read-projects", "manage-teams", "manage-membership", "manage-workspaces"])


def listings() -> dict[str, Listing]:
    """Every listing of the application, by the name of its module and its own."""
    found = {}
    for module in pkgutil.walk_packages(app.resources.__path__, "app.resources."):
        for name, member in vars(importlib.import_module(module.name)).items():
            if isinstance(member, Listing):
                found[f"{member.schema.__name__} in {name}"] = member
    return found


LISTINGS = listings()


@pytest.fixture(autouse=True, scope="module")
def outside_of_requests() -> Iterator[None]:
    """Addresses are made from a request and values unsealed by an application; here both are plain texts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("app.resources.workspaces.state_versions.schema.signed_address", lambda *of: "/".join(of))
        patch.setattr("app.resources.workspaces.state_versions.schema._value", lambda row: row.value)
        patch.setattr("app.resources.runs.plans.schema.log_address", lambda of: f"/logs/{of}")
        patch.setattr("app.resources.runs.runs.schema.open_variables", lambda sealed: [{"key": "x", "value": sealed}])
        yield


def test_the_walk_finds_the_listings() -> None:
    assert {"ProjectSchema in PROJECTS", "OrganizationSchema in ORGANIZATIONS"} <= set(LISTINGS)


# From these columns attributes are computed, which take what the database can hold.
COMPUTED_WITH = {
    "latest_change_at": moments,
    "auto_destroy_activity_duration": st.sampled_from(["14d", "2h", None]),
    "stages": st.lists(st.sampled_from(STAGES), min_size=1, unique=True),
    "outcomes": st.fixed_dictionaries(
        {"policies": st.lists(st.fixed_dictionaries({"policy_name": texts}), max_size=2)}
    ),
}


def values_of(field: Any, name: str, expression: Any) -> st.SearchStrategy[Any]:  # noqa: PLR0911 - one for each type
    """Random values of the type of a column."""
    if isinstance(field, Choice):
        return st.sampled_from(field.values)
    if name in COMPUTED_WITH:
        return COMPUTED_WITH[name]
    if isinstance(expression.type, Timestamp):
        return st.none() | moments
    if isinstance(expression.type, Boolean):
        return st.booleans()
    if isinstance(expression.type, Integer):
        return st.integers(0, 10**6)
    if isinstance(expression.type, JSON):
        return st.lists(flag_names, unique=True) if name in {"organization_access", "declined_access"} else st.none()
    # What makes up an address is there in every row.
    return filled if name == "id" or name.endswith("name") else st.none() | filled


def check(
    schema: type[Schema], columns: Sequence[str], dump: Callable[[Any, Any], Any], values: Sequence[Any], held: Any
) -> None:
    """The library walks an object with the permissions on it; the compiled function gets a plain row and them."""
    plain = namedtuple("plain", columns)  # type: ignore[misc] # noqa: PYI024 - made from the columns
    expected = schema().dump(SimpleNamespace(**dict(zip(columns, values, strict=True)), held=held))["data"]
    assert dump(plain(*values), held) == expected
    # The order is the schema's, too: documents are read by people.
    assert list(dump(plain(*values), held)["relationships"] if "relationships" in expected else []) == list(
        expected.get("relationships", [])
    )


@pytest.mark.parametrize("listing", LISTINGS.values(), ids=LISTINGS.keys())
@settings(max_examples=15)
@given(draw=st.data(), held=st.frozensets(st.sampled_from(P)))
def test_a_compiled_dump_equals_the_schemas_own(listing: Listing, draw: st.DataObject, held: frozenset[P]) -> None:
    bound = {field.attribute or name: field for name, field in listing.schema().fields.items()}
    rows = {name: draw.draw(values_of(bound.get(name), name, column)) for name, column in listing.expressions.items()}
    # Lists of related ids are put beside the columns by listings that have some.
    lists = {name: draw.draw(st.lists(filled)) for name in getattr(listing.complete, "lists", ())}
    values = {**rows, **lists}
    check(listing.schema, tuple(values), listing.dump, tuple(values.values()), held)


users = st.tuples(
    filled,
    filled,
    st.none() | texts,
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.sampled_from(["users", "organizations"]),
    st.none() | filled,
    st.none() | filled,
    st.booleans(),
    st.none() | filled,
)


@pytest.mark.parametrize("kind", [UserSchema, AccountSchema])
@given(values=users)
def test_a_compiled_user_equals_the_schemas_own(kind: type[Schema], values: tuple[Any, ...]) -> None:
    check(kind, USER_COLUMNS, compile_dump(kind, USER_COLUMNS), values, None)
