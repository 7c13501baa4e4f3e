"""The shape of error documents, and what they must not tell."""

from typing import Any

import pytest

from app.jsonapi import errors
from app.jsonapi.errors import ApiError, Invalid, InvalidAttribute, Taken
from tests.support.api import Api, document
from tests.support.world import World


def every_kind(kind: type[ApiError] = ApiError) -> set[type[ApiError]]:
    return {kind}.union(*(every_kind(each) for each in kind.__subclasses__() if each.__module__ == errors.__name__))


PLAIN = sorted(every_kind() - {Invalid, Taken}, key=lambda kind: kind.__name__)


@pytest.mark.parametrize("kind", PLAIN)
def test_an_error_object_has_text_members_only(kind: type[ApiError]) -> None:
    (error,) = kind("Something is wrong", pointer="/data/attributes/name").errors()
    assert error == {
        "status": str(kind.status),
        "title": kind.title,
        "code": kind.code,
        "detail": "Something is wrong",
        "source": {"pointer": "/data/attributes/name"},
    }
    assert all(isinstance(error[member], str) for member in ("status", "title", "code", "detail"))
    assert 400 <= int(error["status"]) <= 503


@pytest.mark.parametrize("kind", PLAIN)
def test_the_source_may_be_a_parameter_or_absent(kind: type[ApiError]) -> None:
    (error,) = kind("Something is wrong", parameter="page[size]").errors()
    assert error["source"] == {"parameter": "page[size]"}
    (error,) = kind().errors()
    assert "source" not in error


def test_the_whole_document_is_a_pointer_too() -> None:
    (error,) = errors.Unprocessable("no data", pointer="").errors()
    assert error["source"] == {"pointer": ""}


def test_several_faults_are_several_error_objects() -> None:
    both = Invalid([InvalidAttribute("Name can't be blank", pointer="/data/attributes/name"), Taken("email")])
    assert [error["detail"] for error in both.errors()] == ["Name can't be blank", "Email has already been taken"]
    assert [error["source"]["pointer"] for error in both.errors()] == [
        "/data/attributes/name",
        "/data/attributes/email",
    ]
    assert both.status == 422


def test_a_taken_relationship_is_pointed_at_as_such() -> None:
    (error,) = Taken("relationships/team").errors()
    assert (error["detail"], error["source"]["pointer"]) == ("Team has already been taken", "/data/relationships/team")


NOT_FOUND = {"errors": [{"status": "404", "title": "not found", "code": "not-found"}]}


@pytest.mark.parametrize(
    ("method", "suffix", "body"),
    [
        ("GET", "", None),
        ("PATCH", "", document("organizations", {"email": "new@example.test"})),
        ("PUT", "", document("organizations", {"email": "new@example.test"})),
        ("DELETE", "", None),
        ("GET", "/entitlement-set", None),
        ("GET", "/authentication-token", None),
        ("POST", "/authentication-token", None),
        ("DELETE", "/authentication-token", None),
        ("GET", "/projects", None),
        ("POST", "/projects", document("projects", {"name": "new"})),
    ],
)
def test_a_hidden_organization_and_a_missing_one_answer_the_same_bytes(
    api: Api, world: World, method: str, suffix: str, body: Any
) -> None:
    world.token(world.organization("hidden"))
    stranger = world.person().token
    hidden = api.raw(method, f"/organizations/hidden{suffix}", stranger, body)
    missing = api.raw(method, f"/organizations/missing{suffix}", stranger, body)
    assert (hidden.status_int, hidden.json) == (404, NOT_FOUND)
    assert hidden.body == missing.body
    varying = {"X-Request-Id", "Date"}
    assert {k: v for k, v in hidden.headers.items() if k not in varying} == {
        k: v for k, v in missing.headers.items() if k not in varying
    }


def test_a_hidden_resource_and_a_missing_one_answer_the_same_bytes(api: Api, world: World) -> None:
    organization = world.organization()
    owner = world.owner(organization)
    token_id = api.get(f"/users/{owner.id}/authentication-tokens", owner.token)["data"][0]["id"]
    stranger = world.person().token
    for kind, hidden in (
        ("projects", world.default_project(organization).id),
        ("users", owner.id),
        ("authentication-tokens", token_id),
    ):
        missing = f"{hidden[:-4]}AAAA"
        answers = [api.raw("GET", f"/{kind}/{each}", stranger) for each in (hidden, missing)]
        assert [each.status_int for each in answers] == [404, 404]
        assert answers[0].body == answers[1].body


@pytest.mark.one_database
@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/organizations", {"GET", "HEAD", "POST"}),
        ("POST", "/organizations/acme", {"DELETE", "GET", "HEAD", "PATCH", "PUT"}),
        ("PATCH", "/authentication-tokens/at-x", {"DELETE", "GET", "HEAD"}),
        ("POST", "/ping", {"GET", "HEAD"}),
        ("PUT", "/account/details", {"GET", "HEAD"}),
    ],
)
def test_a_wrong_method_names_those_that_are_allowed(api: Api, method: str, path: str, allowed: set[str]) -> None:
    answer = api.raw(method, path)
    assert answer.status_int == 405
    assert set(answer.headers["Allow"].split(", ")) == allowed
    assert answer.json == {"errors": [{"status": "405", "title": "method not allowed", "code": "method-not-allowed"}]}


@pytest.mark.one_database
@pytest.mark.parametrize(
    "path",
    [
        "/organizations/a/b",
        "/organizations/%00",
        "/organizations/%00/projects",
        "/users/%00",
        "/users/user-%00/authentication-tokens",
        "/authentication-tokens/at-%00",
        "/projects/prj-%00",
        "/organizations/%ff%fe",
        "/projects/%ED%A0%80",
        f"/organizations/{'x' * 4000}",
        "/organizations/%E2%98%83",
        "/organizations/..%2Fadmin",
        "/organizations/a%0Ab",
    ],
)
def test_an_odd_path_is_simply_not_found(api: Api, world: World, path: str) -> None:
    # The administrator's queries are those that reach the database with whatever stands in the path.
    answer = api.raw("GET", path, world.person(site_role="admin").token)
    assert (answer.status_int, answer.json) == (404, NOT_FOUND)


@pytest.mark.one_database
@pytest.mark.parametrize("method", ["DELETE", "PATCH"])
def test_an_odd_path_is_not_found_for_changes_either(api: Api, world: World, method: str) -> None:
    token = world.person(site_role="admin").token
    for path in ("/organizations/a%00b", "/projects/prj-%00"):
        assert api.raw(method, path, token, document("projects")).status_int == 404


@pytest.mark.parametrize(
    "query",
    ["?q=%00", "?q=%ff", "?q=%ED%A0%80", "?%00=1", "?q[name]=%F0%9F%A6%8A", "?page[size]=%00", "?include=%00", "?&&=&"],
)
def test_odd_query_parameters_never_break_a_list(api: Api, world: World, query: str) -> None:
    assert api.raw("GET", f"/organizations{query}", world.person().token).status_int in {200, 400}
