"""The API document is true and complete."""

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import jsonschema_rs
import pytest
import schemathesis
from flask import Flask
from flask.testing import FlaskClient
from schemathesis.core.result import Ok

from app.web.documentation import POLICY
from tests.contract.description import COMMITTED, Description, committed, operations
from tests.support.api import Api
from tests.support.api import document as sent
from tests.support.world import World

NO_OPERATIONS = {
    "/",
    "/api/v2/openapi.json",
    "/docs",
    "/docs/start.js",
    "/docs/<asset>",
    "/invitations/<token>",
    "/oauth/authorization",
    "/oauth/token",
    "/sign-in",
    "/sign-out",
}
"""The description itself, and what is for browsers and for OAuth."""


@pytest.fixture
def client(described: Flask) -> FlaskClient:
    return described.test_client()


def nodes(value: Any) -> Iterator[dict[str, Any]]:
    """Every object in the document."""
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from nodes(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from nodes(inner)


# --- the document --------------------------------------------------------------------------------------------------


def test_the_document_in_the_repository_is_the_code_s(document: dict[str, Any]) -> None:
    assert committed() == json.loads(json.dumps(document)), f"run `flask openapi` to renew {COMMITTED.name}"


def test_every_reference_leads_to_something(document: dict[str, Any]) -> None:
    known = {f"#/components/{group}/{name}" for group, members in document["components"].items() for name in members}
    wanted = {node["$ref"] for node in nodes(document) if "$ref" in node}
    assert wanted <= known


def test_every_component_is_used(document: dict[str, Any]) -> None:
    wanted = {node["$ref"] for node in nodes(document) if "$ref" in node}
    used = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert used <= wanted


def test_every_route_is_described(described: Flask, document: dict[str, Any]) -> None:
    routes = {
        (re.sub(r"<(\w+)>", r"{\1}", rule.rule), method.lower())
        for rule in described.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.rule not in NO_OPERATIONS and not rule.rule.startswith("/app")
    }
    assert {(path, method) for path, method, _ in operations(document)} == routes


def test_every_operation_has_a_name_of_its_own_and_says_what_it_does(document: dict[str, Any]) -> None:
    found = [operation for _, _, operation in operations(document)]
    assert len({operation["operationId"] for operation in found}) == len(found)
    for operation in found:
        assert operation["summary"]
        assert operation["description"]


def test_every_variable_part_of_an_address_is_a_parameter(document: dict[str, Any]) -> None:
    for path, _, operation in operations(document):
        named = [each["name"] for each in operation.get("parameters", ()) if each.get("in") == "path"]
        assert named == re.findall(r"\{(\w+)\}", path)


def test_only_open_operations_want_no_token(described: Flask, document: dict[str, Any]) -> None:
    for _, _, operation in operations(document):
        endpoint = re.sub(r"\.(delete|get|patch|post|put)$", "", operation["operationId"])
        view = described.view_functions[endpoint]
        is_guarded = bool(getattr(view, "permissions"))  # noqa: B009
        # The metrics have a token of their own, which the operator sets.
        assert ("401" in operation["responses"]) is (is_guarded or endpoint == "metrics.show_metrics")
        wanted: list[dict[str, list[str]]] = [{"bearer": []}] if is_guarded else []
        # Some answer without one as well: there is an empty alternative.
        wanted += [{}] if getattr(view, "anonymous", False) else []
        assert operation.get("security", document["security"]) == wanted


def test_every_schema_is_a_valid_one(document: dict[str, Any]) -> None:
    given = [node["schema"] for node in nodes(document) if isinstance(node.get("schema"), dict)]
    for schema in (*document["components"]["schemas"].values(), *given):
        jsonschema_rs.meta.validate({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema})


def test_every_pattern_holds_for_the_whole_text(document: dict[str, Any]) -> None:
    patterns = [node["pattern"] for node in nodes(document) if isinstance(node.get("pattern"), str)]
    assert patterns
    assert all(pattern.startswith("^") and pattern.endswith("$") for pattern in patterns if pattern != r"\S")


# By the specification of OpenAPI 3.1: what each object must have, and what else this document uses of it.
OBJECTS = {
    "operation": (
        {"operationId", "responses"},
        {"summary", "description", "tags", "parameters", "requestBody", "security"},
    ),
    "parameter": ({"name", "in", "schema"}, {"description", "required", "style", "explode"}),
    "response": ({"description"}, {"headers", "content"}),
    "header": ({"schema"}, {"description", "required"}),
    "body": ({"content"}, {"required"}),
}


def objects(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The objects of the document with their kinds; references, which stand for one, are left out."""
    found: list[tuple[str, dict[str, Any]]] = []
    components = document["components"]
    for _, _, operation in operations(document):
        found.append(("operation", operation))
        found += [("parameter", each) for each in operation.get("parameters", ())]
        found += [("body", operation["requestBody"])] if "requestBody" in operation else []
        found += [("response", each) for each in operation["responses"].values()]
    for kind in ("parameter", "response", "header"):
        found += [(kind, each) for each in components[f"{kind}s"].values()]
    return ((kind, each) for kind, each in found if "$ref" not in each)


def test_every_object_has_the_members_that_openapi_gives_it(document: dict[str, Any]) -> None:
    assert re.fullmatch(r"3\.1\.\d+", document["openapi"])
    for kind, each in objects(document):
        required, optional = OBJECTS[kind]
        assert required <= set(each) <= required | optional, f"{kind}: {each}"
    for group in document["components"].values():
        assert all(re.fullmatch("[a-zA-Z0-9._-]+", name) for name in group)


def test_a_client_can_load_it(document: dict[str, Any]) -> None:
    loaded = schemathesis.openapi.from_dict(json.loads(json.dumps(document)))
    found = list(loaded.get_all_operations())
    assert all(isinstance(each, Ok) for each in found)
    assert len(found) == len(list(operations(document)))


def test_a_body_has_the_bounds_of_its_members(document: dict[str, Any]) -> None:
    name = document["components"]["schemas"]["projects-create"]["properties"]["attributes"]["properties"]["name"]
    assert (name["type"], name["minLength"], name["maxLength"]) == ("string", 3, 40)
    assert re.search(name["pattern"], "my project")
    assert not re.search(name["pattern"], " my project")


# --- served --------------------------------------------------------------------------------------------------------


def test_the_document_is_served_to_anybody(client: FlaskClient, document: dict[str, Any]) -> None:
    answer = client.get("/api/v2/openapi.json")
    assert (answer.status_code, answer.content_type) == (200, "application/json")
    assert answer.json == json.loads(json.dumps(document))


class Addresses(HTMLParser):
    """Collects what a page loads."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(page)

    def handle_starttag(self, _tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value or "" for name, value in attrs if name in ("href", "src", "data-address")]


def test_the_page_loads_only_what_the_service_has(client: FlaskClient) -> None:
    answer = client.get("/docs")
    assert (answer.status_code, answer.mimetype) == (200, "text/html")
    addresses = Addresses(answer.text).found
    assert "/api/v2/openapi.json" in addresses
    assert len(addresses) > 3
    for address in addresses:
        assert address.startswith("/")
        assert not address.startswith("//")
        asset = client.get(address, buffered=True)
        assert asset.status_code == 200
        expected = {"js": "text/javascript", "css": "text/css", "png": "image/png", "json": "application/json"}
        assert asset.mimetype == expected[address.rpartition(".")[2]]


@pytest.mark.parametrize(
    ("accept", "address"),
    [
        ("text/html,application/xhtml+xml,*/*;q=0.8", "/app"),
        ("*/*", "/api/v2/openapi.json"),
        ("application/json", "/api/v2/openapi.json"),
        ("", "/api/v2/openapi.json"),
    ],
)
def test_the_bare_address_leads_people_to_the_console_and_programs_to_the_description(
    client: FlaskClient, accept: str, address: str
) -> None:
    answer = client.get("/", headers={"Accept": accept} if accept else {})
    assert (answer.status_code, answer.location) == (302, address)
    assert client.post("/").status_code == 405


def test_the_page_names_no_other_host(client: FlaskClient) -> None:
    for path in ("/docs", "/docs/start.js"):
        assert not re.search(r"https?:|[\"'(]//", client.get(path).text)
    # The one address that the packaged script would ask by itself.
    assert "validatorUrl: null" in client.get("/docs/start.js").text


def test_the_page_may_load_from_the_service_alone(client: FlaskClient) -> None:
    policy = client.get("/docs").headers["Content-Security-Policy"]
    assert policy == POLICY
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "connect-src 'self';" in policy


@pytest.mark.parametrize("asset", ["swagger-ui.js", "index.html", "oauth2-redirect.html", "..", "%2e%2e%2fVERSION"])
def test_nothing_else_is_served_beside_the_page(client: FlaskClient, asset: str) -> None:
    assert client.get(f"/docs/{asset}").status_code == 404


# --- real answers --------------------------------------------------------------------------------------------------


@pytest.mark.one_database
def test_answers_about_projects_are_as_documented(api: Api, world: World, description: Description) -> None:
    owner = world.person()
    organization = world.organization(owner=owner)
    project = world.project(organization, description="here")
    world.tag(project, "team", "platform")
    world.workspace(project)
    listing, one = "/organizations/{organization}/projects", "/projects/{project_id}"
    binding = {"data": [{"type": "tag-bindings", "attributes": {"key": "cost", "value": "high"}}]}
    moved = {"data": [{"type": "workspaces", "id": world.workspace(world.default_project(organization)).id}]}
    new = sent("projects", {"name": "new one"}, tag_bindings=[{"type": "tag-bindings", "attributes": {"key": "a"}}])
    for method, template, path, body, status in [
        ("get", listing, listing, None, 200),
        ("get", listing, f"{listing}?include=effective_tag_bindings&page[size]=1&sort=-name", None, 200),
        ("get", listing, f"{listing}?page[number]=x", None, 400),
        ("get", listing, f"{listing}?include=nothing", None, 400),
        ("post", listing, listing, new, 201),
        ("post", listing, listing, sent("projects", {"name": "x", "description": 1}), 422),
        ("post", listing, listing, b"{", 400),
        ("get", one, one, None, 200),
        ("get", one, f"{one}?include=effective_tag_bindings", None, 200),
        ("get", one, "/projects/prj-none", None, 404),
        ("patch", one, one, sent("projects", {"description": None}), 200),
        ("post", f"{one}/relationships/workspaces", f"{one}/relationships/workspaces", moved, 204),
        ("get", f"{one}/tag-bindings", f"{one}/tag-bindings", None, 200),
        ("patch", f"{one}/tag-bindings", f"{one}/tag-bindings", binding, 200),
        ("get", f"{one}/effective-tag-bindings", f"{one}/effective-tag-bindings", None, 200),
        ("delete", one, one, None, 403),
        ("delete", one, f"{one}?force=perhaps", None, 400),
        ("delete", one, f"{one}?force=true", None, 204),
    ]:
        filled = path.replace("{organization}", organization.name).replace("{project_id}", project.id)
        answer = api.raw(method.upper(), filled, owner.token, body)
        assert answer.status_int == status, f"{method} {path}: {answer.text}"
        faults = description.faults(f"/api/v2{template}", method, status, answer.headers, answer.body)
        assert faults == [], f"{method} {path}"


@pytest.mark.one_database
@pytest.mark.parametrize(("path", "method"), [("/ping", "get"), ("/.well-known/terraform.json", "get")])
def test_open_answers_are_as_documented(api: Api, description: Description, path: str, method: str) -> None:
    answer = api.raw(method.upper(), path)
    documented = path if path.startswith("/.") else f"/api/v2{path}"
    faults = description.faults(documented, method, answer.status_int, answer.headers, answer.body)
    assert faults == []
