"""Whatever a client sends as a body, it hears what is wrong with it, and never a 5xx."""

from collections.abc import Callable
from io import BytesIO
from typing import Any

import orjson
import pytest
from flask import Flask

from app.jsonapi.body import DEPTH
from tests.support.api import MEDIA_TYPE, Api, document, faults
from tests.support.world import Person, World

pytestmark = pytest.mark.one_database

LIMIT = 2_000_000


@pytest.fixture
def admin(world: World) -> Person:
    return world.person(site_role="admin")


def nested(depth: int, leaf: bytes = b"1") -> bytes:
    """A document that is well formed and has ``depth`` levels of arrays and objects."""
    # Around the lists stand the document, data and attributes.
    lists = depth - 3
    return b'{"data":{"type":"organizations","attributes":{"extra":' + b"[" * lists + leaf + b"]" * lists + b"}}}"


UNREADABLE = {
    "nothing": b"",
    "blanks": b" \n",
    "a word": b"organization",
    "half an object": b'{"data":{"type":"organizations"',
    "text behind": b'{"data":{}} {}',
    "single quotes": b"{'data': {}}",
    "a trailing comma": b'{"data":{},}',
    "a comment": b'{"data":{} /* none */}',
    "NaN": b'{"data":{"attributes":{"session-timeout":NaN}}}',
    "Infinity": b'{"data":{"attributes":{"session-timeout":Infinity}}}',
    "-Infinity": b'{"data":{"attributes":{"session-timeout":-Infinity}}}',
    "a number beyond all": b'{"data":{"attributes":{"session-timeout":1e400}}}',
    "an integer beyond all": b'{"data":{"attributes":{"session-timeout":1' + b"0" * 400 + b"}}}",
    "an integer of 5000 digits": b'{"data":{"attributes":{"session-timeout":' + b"9" * 5000 + b"}}}",
    "a lone leading surrogate": rb'{"data":{"attributes":{"email":"\ud800"}}}',
    "a lone trailing surrogate": rb'{"data":{"attributes":{"email":"\udc00@x"}}}',
    "a lone surrogate in a key": rb'{"data":{"attributes":{"\ud800":1}}}',
    "NUL in a value": rb'{"data":{"attributes":{"email":"a\u0000@x"}}}',
    "NUL in a key": rb'{"data":{"attributes":{"na\u0000me":"acme"}}}',
    "NUL itself": b'{"data":{"attributes":{"email":"a\0@x"}}}',
    "invalid UTF-8": b'{"data":{"attributes":{"email":"\xff@x"}}}',
    "UTF-8 of a surrogate": b'{"data":{"attributes":{"email":"\xed\xa0\x80@x"}}}',
    "UTF-16": '{"data":{}}'.encode("utf-16"),
    "a byte order mark": b'\xef\xbb\xbf{"data":{}}',
    "too deep": nested(DEPTH + 1),
    "too deep, of empty lists": nested(DEPTH, b"[]"),
    "very deep": nested(2000),
    "never closed": b"[" * 100_000,
    "a member twice": b'{"data":{"type":"organizations","attributes":{"name":"one","name":"two"}}}',
    "data twice": b'{"data":{"type":"organizations"},"data":{"type":"organizations"}}',
    "a member twice by escapes": rb'{"data":{"attributes":{"name":"one","n\u0061me":"two"}}}',
}


@pytest.mark.parametrize(("method", "path"), [("POST", "/organizations"), ("PATCH", "/organizations/acme")])
def test_what_is_not_json_is_a_bad_request(
    api: Api, world: World, admin: Person, method: str, path: str, subtests: pytest.Subtests
) -> None:
    world.organization("acme", owner=admin)
    for name, body in UNREADABLE.items():
        with subtests.test(name):
            answer = api.raw(method, path, admin.token, body)
            assert answer.status_int == 400, answer.text
            (error,) = answer.json["errors"]
            assert (error["status"], error["title"], error["code"]) == ("400", "bad request", "bad-request")
            assert error["detail"].startswith("The request body ")
            # Neither the parser's exception nor what was sent.
            assert "acme" not in error["detail"]
            assert "JSONDecodeError" not in error["detail"]


@pytest.mark.parametrize("body", [nested(DEPTH), nested(DEPTH, b'"text"'), nested(DEPTH - 1, b'{"key":"value"}')])
def test_the_deepest_body_that_is_read(api: Api, admin: Person, body: bytes) -> None:
    answer = api.send("POST", "/organizations", admin.token, body, expect=422)
    assert faults(answer)[0] == ("Name can't be blank", "/data/attributes/name")


# --- the envelope ----------------------------------------------------------------------------------------------------

ENVELOPES: dict[str, tuple[Any, str]] = {
    "null": (None, ""),
    "true": (True, ""),
    "a number": (1, ""),
    "a text": ("data", ""),
    "a list": ([], ""),
    "an empty object": ({}, ""),
    "data beside": ({"Data": {}}, ""),
    "data null": ({"data": None}, "/data"),
    "data a list": ({"data": []}, "/data"),
    "data a list of objects": ({"data": [{"type": "organizations"}]}, "/data"),
    "data a text": ({"data": "organizations"}, "/data"),
    "data a number": ({"data": 1}, "/data"),
    "data false": ({"data": False}, "/data"),
    "type a list": ({"data": {"type": ["organizations"]}}, "/data/type"),
    "type an object": ({"data": {"type": {}}}, "/data/type"),
    "another type": ({"data": {"type": "projects"}}, "/data/type"),
    "another case of the type": ({"data": {"type": "Organizations"}}, "/data/type"),
    "attributes a list": ({"data": {"type": "organizations", "attributes": ["name"]}}, "/data/attributes"),
    "attributes an empty list": ({"data": {"type": "organizations", "attributes": []}}, "/data/attributes"),
    "attributes a text": ({"data": {"type": "organizations", "attributes": "name"}}, "/data/attributes"),
    "attributes an empty text": ({"data": {"type": "organizations", "attributes": ""}}, "/data/attributes"),
    "attributes zero": ({"data": {"type": "organizations", "attributes": 0}}, "/data/attributes"),
    "relationships a text": ({"data": {"type": "organizations", "relationships": "x"}}, "/data/relationships"),
    "relationships a list": ({"data": {"type": "organizations", "relationships": [1]}}, "/data/relationships"),
    "relationships false": ({"data": {"type": "organizations", "relationships": False}}, "/data/relationships"),
}


@pytest.mark.parametrize(("method", "path"), [("POST", "/organizations"), ("PATCH", "/organizations/acme")])
def test_a_malformed_envelope_is_pointed_at(
    api: Api, world: World, admin: Person, method: str, path: str, subtests: pytest.Subtests
) -> None:
    world.organization("acme", owner=admin)
    for name, (body, pointer) in ENVELOPES.items():
        with subtests.test(name):
            answer = api.send(method, path, admin.token, orjson.dumps(body), expect=422)
            (error,) = answer["errors"]
            assert (error["title"], error["source"]) == ("unprocessable entity", {"pointer": pointer})


@pytest.mark.parametrize("identifier", ["other", 1, ["acme"], {"id": "acme"}, True])
def test_an_id_in_the_document_must_be_the_one_in_the_address(
    api: Api, world: World, admin: Person, identifier: Any
) -> None:
    world.organization("acme", owner=admin)
    body = {"data": {"id": identifier, "type": "organizations", "attributes": {}}}
    answer = api.patch("/organizations/acme", admin.token, body, expect=422)
    assert faults(answer) == [("id must be the one in the address", "/data/id")]


@pytest.mark.parametrize("identifier", ["acme", "", None, "ACME"])
def test_the_id_of_the_address_may_be_repeated_or_left_out(
    api: Api, world: World, admin: Person, identifier: Any
) -> None:
    world.organization("acme", owner=admin)
    body = {"data": {"id": identifier, "type": "organizations"}}
    assert api.patch("/organizations/ACME", admin.token, body)["data"]["id"] == "acme"


POOL = "/data/relationships/default-agent-pool"


@pytest.mark.parametrize(
    "relationship",
    [
        None,
        {},
        [],
        "apool-1",
        {"data": []},
        {"data": "apool-1"},
        {"data": {}},
        {"data": {"type": "agent-pools"}},
        {"data": {"type": "agent-pools", "id": None}},
        {"data": {"type": "agent-pools", "id": 1}},
        {"data": {"type": "agent-pools", "id": ["apool-1"]}},
        {"data": {"type": "projects", "id": "apool-1"}},
        {"data": {"type": [], "id": "apool-1"}},
        {"links": {"related": "/api/v2/agent-pools/apool-1"}},
    ],
)
def test_a_malformed_relationship_is_pointed_at(api: Api, world: World, admin: Person, relationship: Any) -> None:
    world.organization("acme", owner=admin)
    body = {"data": {"type": "organizations", "relationships": {"default-agent-pool": relationship}}}
    answer = api.patch("/organizations/acme", admin.token, body, expect=422)
    assert faults(answer) == [("Default agent pool must be a resource identifier", POOL)]
    assert answer["errors"][0]["title"] == "invalid attribute"


@pytest.mark.parametrize("value", [1, 1.5, True, ["acme"], {"text": "acme"}, 2**64, 10**300])
@pytest.mark.parametrize("member", ["name", "email", "owners-team-saml-role-id"])
def test_a_number_or_a_list_is_no_text(api: Api, world: World, admin: Person, member: str, value: Any) -> None:
    world.organization("acme", owner=admin)
    number = str(value).encode() if isinstance(value, int) and value > 2**63 else orjson.dumps(value)
    body = b'{"data":{"type":"organizations","attributes":{"' + member.encode() + b'":' + number + b"}}}"
    answer = api.patch("/organizations/acme", admin.token, body, expect=422)
    ((detail, pointer),) = faults(answer)
    assert detail.endswith(" must be a string")
    assert pointer == f"/data/attributes/{member}"


def test_what_nobody_knows_is_ignored(api: Api, world: World, admin: Person) -> None:
    before = api.get("/organizations/acme", world.owner(world.organization("acme", owner=admin)).token)
    body = document("organizations", {"no-such-attribute": [1], "created-at": 1, "permissions": 2}, no_such=("a", "b"))
    body["data"]["meta"] = 1
    body["data"]["links"] = "x"
    body["included"] = 2
    body["jsonapi"] = None
    after = api.patch("/organizations/acme", admin.token, body)
    assert after["data"]["attributes"] == before["data"]["attributes"]


# --- the size --------------------------------------------------------------------------------------------------------


def padded(size: int) -> bytes:
    """A whole document of exactly so many bytes."""
    head, tail = b'{"data":{"type":"organizations","attributes":{"extra":"', b'"}}}'
    return head + b"x" * (size - len(head) - len(tail)) + tail


@pytest.mark.parametrize(("method", "path"), [("POST", "/organizations"), ("PATCH", "/organizations/acme")])
def test_a_body_beyond_the_limit_is_too_large(api: Api, world: World, admin: Person, method: str, path: str) -> None:
    world.organization("acme", owner=admin)
    answer = api.raw(method, path, admin.token, padded(LIMIT + 1))
    assert answer.status_int == 413
    detail = f"The body may have at most {LIMIT} bytes here"
    error = {"status": "413", "title": "payload too large", "code": "payload-too-large", "detail": detail}
    assert answer.json == {"errors": [error]}
    assert answer.headers["Upload-Limit"] == f"max-size={LIMIT}"


def test_a_body_at_the_limit_is_read(api: Api, admin: Person) -> None:
    answer = api.send("POST", "/organizations", admin.token, padded(LIMIT), expect=422)
    assert faults(answer)[0] == ("Name can't be blank", "/data/attributes/name")


@pytest.mark.parametrize(("size", "status"), [(LIMIT, 422), (LIMIT + 1, 413), (2 * LIMIT, 413)])
def test_the_limit_holds_for_a_body_of_unknown_length(
    app: Flask, admin: Person, chunked: Callable[[bytes], dict[str, Any]], size: int, status: int
) -> None:
    answer = app.test_client().post(
        "/api/v2/organizations",
        content_type=MEDIA_TYPE,
        headers={"Authorization": f"Bearer {admin.token}"},
        environ_overrides=chunked(padded(size)),
    )
    assert answer.status_code == status


@pytest.fixture
def chunked() -> Callable[[bytes], dict[str, Any]]:
    """The environment that a WSGI server makes of ``Transfer-Encoding: chunked``."""
    return lambda body: {
        "wsgi.input": BytesIO(body),
        "wsgi.input_terminated": True,
        "CONTENT_LENGTH": "",
        "HTTP_TRANSFER_ENCODING": "chunked",
    }


@pytest.mark.parametrize("arrived", [b"", b'{"data":{"type":"x"}}'], ids=["nothing", "all but blanks"])
def test_what_did_not_arrive_whole_is_not_taken_for_less(app: Flask, api: Api, world: World, arrived: bytes) -> None:
    # Without a body this replaces the token of the organization. A broken connection may just end.
    organization = world.organization()
    owner, token = world.owner(organization), world.token(organization)
    broken = {
        "CONTENT_LENGTH": str(len(arrived) + 1),
        "wsgi.input": BytesIO(arrived),
        "wsgi.input_terminated": True,
        "HTTP_AUTHORIZATION": f"Bearer {owner.token}",
    }
    address = f"/api/v2/organizations/{organization.name}/authentication-token"
    answer = app.test_client().post(address, content_type=MEDIA_TYPE, environ_overrides=broken)
    assert answer.status_code == 400
    api.get("/account/details", token)
