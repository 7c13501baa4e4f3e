"""Loading takes any JSON there is: the answer is members or an error of ours."""

import importlib
import pkgutil
from typing import Any

import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import app.resources
from app.jsonapi.body import matching_type
from app.jsonapi.errors import ApiError, Invalid, Unprocessable
from app.jsonapi.fields import Attribute, Boolean, Choice, DateTime, Integer, Text, ToMany, ToOne
from app.jsonapi.schema import Schema, load


def schemas() -> dict[str, type[Schema]]:
    """Every schema of the application."""
    for module in pkgutil.walk_packages(app.resources.__path__, "app.resources."):
        importlib.import_module(module.name)
    found: dict[str, type[Schema]] = {}
    waiting = list(Schema.__subclasses__())
    while waiting:
        schema = waiting.pop()
        waiting += schema.__subclasses__()
        if schema.__module__.startswith("app.resources."):
            found[schema.__name__] = schema
    return dict(sorted(found.items()))


SCHEMAS = schemas()

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
values = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=12)


def near_misses(schema: type[Schema]) -> st.SearchStrategy[Any]:
    """Documents with the schema's own members and any value in them."""
    fields = schema().fields.values()
    names = st.sampled_from(sorted({str(field.data_key) for field in fields})) | st.text()
    related = {kind for field in fields for kind in getattr(field, "types", ())}
    identifier = st.fixed_dictionaries({"type": st.sampled_from(sorted(related | {""})) | values, "id": values})
    linkage = st.fixed_dictionaries({"data": values | identifier | st.lists(identifier)}) | values
    members = {"attributes": values | st.dictionaries(names, values), "relationships": st.dictionaries(names, linkage)}
    types = st.just(schema().opts.type_) | values
    resource = st.fixed_dictionaries({"type": types}, optional={**members, "id": values})
    return values | st.fixed_dictionaries({"data": resource | values})


@pytest.mark.parametrize("kind", SCHEMAS.values(), ids=SCHEMAS.keys())
@settings(max_examples=12)
@given(draw=st.data(), partial=st.booleans())
def test_any_document_loads_or_is_refused_with_error_objects(
    kind: type[Schema], draw: st.DataObject, *, partial: bool
) -> None:
    document = draw.draw(near_misses(kind))
    identifier = draw.draw(st.none() | st.text(min_size=1))
    loaded: dict[str, Any] = {}
    errors: list[dict[str, Any]] = []
    try:
        loaded = load(kind, document, partial=partial, identifier=identifier)
    except ApiError as error:
        errors = error.errors() or [{}]
    assert set(loaded) <= {field.attribute or name for name, field in kind().fields.items()}
    assert all(each["status"] == "422" for each in errors)
    assert all(isinstance(each["detail"], str) and each["source"]["pointer"] is not None for each in errors)
    # What is wrong can be sent to the client, whatever it was.
    orjson.dumps(errors)


class SampleSchema(Schema):
    """One field of each kind."""

    class Meta:
        type_ = "samples"
        is_own = False

    id = Attribute()
    name = Text(required=True, minimum=3, maximum=5, pattern="[a-z]+")
    note = Text(maximum=3, nullable=True)
    kind = Choice(("one", "two"))
    is_open = Boolean()
    size = Integer(minimum=1, maximum=9, allow_none=True)
    ends_at = DateTime(allow_none=True)
    created_at = DateTime(dump_only=True)
    parent = ToOne("parents", "guardians", writable=True)
    friends = ToMany("friends", read=lambda items: [item["id"] for item in items])
    home = ToOne("homes", column="home_id")


def sample(attributes: dict[str, Any], **relationships: Any) -> dict[str, Any]:
    return {"data": {"type": "samples", "attributes": attributes, "relationships": relationships}}


def messages(document: Any, *, partial: bool = True) -> list[tuple[str, str]]:
    with pytest.raises(Invalid) as caught:
        load(SampleSchema, document, partial=partial)
    return [(error["detail"], error["source"]["pointer"].removeprefix("/data/")) for error in caught.value.errors()]


FAULTS = [
    ({"name": ""}, [("Name can't be blank", "attributes/name")]),
    ({"name": "  "}, [("Name can't be blank", "attributes/name")]),
    ({"name": None}, [("Name can't be blank", "attributes/name")]),
    ({"name": 1}, [("Name must be a string", "attributes/name")]),
    (
        {"name": "A"},
        [
            ("Name is too short (minimum is 3 characters)", "attributes/name"),
            ("Name is invalid", "attributes/name"),
        ],
    ),
    ({"name": "abcdef"}, [("Name is too long (maximum is 5 characters)", "attributes/name")]),
    ({"name": "abc\n"}, [("Name is invalid", "attributes/name")]),
    ({"note": "four"}, [("Note is too long (maximum is 3 characters)", "attributes/note")]),
    ({"kind": "three"}, [("Kind is not included in the list", "attributes/kind")]),
    ({"kind": None}, [("Kind can't be blank", "attributes/kind")]),
    ({"kind": ["one"]}, [("Kind is not included in the list", "attributes/kind")]),
    ({"is-open": "true"}, [("Is open must be true or false", "attributes/is-open")]),
    ({"is-open": 1}, [("Is open must be true or false", "attributes/is-open")]),
    ({"is-open": None}, [("Is open can't be blank", "attributes/is-open")]),
    ({"size": 0}, [("Size must be between 1 and 9", "attributes/size")]),
    ({"size": 10}, [("Size must be between 1 and 9", "attributes/size")]),
    ({"size": 1.0}, [("Size must be an integer", "attributes/size")]),
    ({"size": "1"}, [("Size must be an integer", "attributes/size")]),
    ({"size": True}, [("Size must be an integer", "attributes/size")]),
    ({"ends-at": "soon"}, [("Ends at is not a valid ISO 8601 date and time", "attributes/ends-at")]),
    (
        {"name": 1, "size": 0},
        [("Name must be a string", "attributes/name"), ("Size must be between 1 and 9", "attributes/size")],
    ),
]


@pytest.mark.parametrize(("attributes", "expected"), FAULTS)
def test_each_fault_is_an_error_object_with_its_pointer(
    attributes: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    assert messages(sample(attributes)) == expected


def test_a_required_member_may_be_absent_from_an_update_only() -> None:
    assert messages(sample({}), partial=False) == [("Name can't be blank", "attributes/name")]
    assert load(SampleSchema, sample({}), partial=True) == {}


@pytest.mark.parametrize("sent", [None, [], "parents", {}, {"data": []}, {"data": {"type": "others", "id": "1"}}])
def test_linkage_is_null_or_an_identifier_of_a_known_type(sent: Any) -> None:
    assert messages(sample({}, parent=sent)) == [("Parent must be a resource identifier", "relationships/parent")]


@pytest.mark.parametrize(
    "sent", [None, [], {}, {"data": None}, {"data": {}}, {"data": "x"}, {"data": None, "links": {}}]
)
def test_linkage_of_many_is_a_list(sent: Any) -> None:
    assert messages(sample({}, friends=sent)) == [
        ("Friends must be an object with a data array", "relationships/friends")
    ]


def test_links_without_linkage_say_nothing_of_it() -> None:
    assert load(SampleSchema, sample({}, friends={"links": {"related": "/friends"}}), partial=True) == {}


def test_good_members_come_by_their_names_in_the_model() -> None:
    attributes = {
        "name": "abc",
        "note": None,
        "kind": "two",
        "is-open": False,
        "size": None,
        "created-at": "x",
        "id": 1,
    }
    relationships = {
        "parent": {"data": {"type": "guardians", "id": "g-1", "attributes": {"name": 1}}},
        "friends": {"data": [{"id": "f-1"}]},
        "home": {"data": {"type": "homes", "id": "h-1"}},
    }
    assert load(SampleSchema, sample(attributes, **relationships)) == {
        "name": "abc",
        "note": None,
        "kind": "two",
        "is_open": False,
        "size": None,
        "parent": "g-1",
        "friends": ["f-1"],
    }
    assert load(SampleSchema, sample({}, parent={"data": None}), partial=True) == {"parent": None}


def test_a_member_counts_in_its_own_group_only() -> None:
    moved = {"data": {"type": "samples", "attributes": {"parent": {"data": None}}, "relationships": {"note": "x"}}}
    assert load(SampleSchema, moved, partial=True) == {}


@pytest.mark.parametrize("types", [("samples", "sample"), ()])
@pytest.mark.parametrize("sent", ["samples", "sample", "other", "", None, 1, []])
def test_a_schema_may_accept_other_spellings_of_its_type(types: tuple[str, ...], sent: Any) -> None:
    class Lenient(SampleSchema):
        class Meta:
            type_ = "samples"
            accepted_types = types

    document = {"data": {"type": sent}}
    # Where nothing is said, the address says it.
    if types and sent not in (*types, "", None):
        with pytest.raises(Unprocessable, match="type must be samples"):
            load(Lenient, document, partial=True)
    else:
        assert load(Lenient, document, partial=True) == {}


@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        *dict.fromkeys(
            ("team-projects", "team-project", "team_projects", "team_project", "", None), "team-projects"
        ).items(),
        ("team-project-access", "team-project-access"),
        *dict.fromkeys(("projects", "team", "team-projectss", "s", "-", 1), None).items(),
        ([], None),
    ],
)
def test_a_type_may_be_left_out_or_be_in_the_singular(sent: Any, meant: str | None) -> None:
    assert matching_type(sent, ("team-projects", "team-project-access")) == meant


@given(st.text())
@example("2030-01-01T00:00:00.000Z")
@example("2030-01-01t00:00:00+14:00")
@example("0001-01-01T00:00:00+14:00")
@example("9999-12-31T23:59:59-14:00")
@example("2030-01-01")
@example("2030-W01-1T00:00")
@example("\uff12\uff10\uff13\uff10-01-01T00:00:00")
def test_any_text_is_a_moment_in_utc_or_refused(text: str) -> None:
    try:
        loaded = load(SampleSchema, sample({"ends-at": text}), partial=True)
    except Invalid:
        return
    assert loaded["ends_at"].utcoffset().total_seconds() == 0
