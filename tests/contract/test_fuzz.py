"""Whatever is sent, the answer is one that the API document has: no failure of the service, errors as JSON:API.

Schemathesis makes the requests from the document itself, valid ones and broken ones, the same ones in every run.
"""

import gc
import json
import re
from collections.abc import Callable, Iterator
from functools import cache
from itertools import count
from typing import Any, NamedTuple

import pytest
import schemathesis
from _pytest.mark import ParameterSet
from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies._internal.utils import clear_strategy_cache
from schemathesis import BaseSchema, Case, GenerationMode, Response
from schemathesis.specs.openapi import _caches

from app.jsonapi import MEDIA_TYPE
from app.openapi.headers import header_parameters
from tests.contract.description import Description, committed, operations, strict
from tests.contract.targets import Targets
from tests.support.api import Api
from tests.support.world import World

EXAMPLES = 3

FINISHED = count(1)
REMEMBERED = 20

# A pattern for texts of so many characters would take hundreds of MB. That longer ones are refused is another test.
GREAT_LENGTH = 1_000

HEADERS = header_parameters().keys()

# What the owner of an organization may not do, though somebody may.
OF_ADMINISTRATORS = {"organizations.create_organization"}

Send = Callable[[Case[Any]], None]


def without_great_lengths(schema: Any) -> Any:
    """The schema without the upper bound of long texts that have a pattern, too."""
    if isinstance(schema, list):
        return [without_great_lengths(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {key: without_great_lengths(value) for key, value in schema.items()}
    if "pattern" in inner and inner.get("type") == "string" and inner.get("maxLength", 0) > GREAT_LENGTH:
        del inner["maxLength"]
    return inner


def without_headers(document: dict[str, Any]) -> dict[str, Any]:
    """The document without the headers of requests: an unknown tag, or a key that was used, would end most requests."""
    for _, _, operation in operations(document):
        shared = [
            each for each in operation.get("parameters", ()) if each.get("$ref", "").rpartition("/")[2] not in HEADERS
        ]
        operation["parameters"] = shared
    return document


# Valid requests have nothing that the document does not name, so that they get far.
VALID, BROKEN = GenerationMode.POSITIVE, GenerationMode.NEGATIVE
DOCUMENTS = {
    VALID: without_great_lengths(strict(without_headers(committed()))),
    BROKEN: without_great_lengths(without_headers(committed())),
}


class Kind(NamedTuple):
    """Requests of one kind for one operation."""

    name: str
    path: str
    method: str
    mode: GenerationMode


def kinds() -> list[ParameterSet]:
    """Every operation with valid requests and, where anything but its address can be broken, with broken ones."""
    found = []
    for path, method, each in operations(without_headers(committed())):
        name = each["operationId"]
        # Bytes can't be malformed.
        has_document = "requestBody" in each and "vnd.api+json" in str(each["requestBody"]["content"])
        is_breakable = has_document or any(one.get("in") != "path" for one in each.get("parameters", ()))
        for mode in (VALID, BROKEN) if is_breakable else (VALID,):
            kind = Kind(name, path, method, mode)
            found.append(pytest.param(kind, id=f"{name}-{'valid' if mode is VALID else 'broken'}"))
    return found


@cache
def read_once(app: Flask, mode: GenerationMode) -> BaseSchema:
    """The document for this application."""
    config = schemathesis.Config.from_dict(
        {
            "generation": {"allow-x00": mode is BROKEN, "with-security-parameters": False},
            # With the constants of the source, every change of a text anywhere would make other requests.
            "analysis": {"constants": {"enabled": False}},
        },
    )
    loaded = schemathesis.openapi.from_dict(DOCUMENTS[mode], config=config)
    loaded.app = app
    return loaded


@pytest.fixture(autouse=True)
def little_memory() -> Iterator[None]:
    """Forget now and then how requests are made for the operations; all of that together takes 300 MB."""
    yield
    if next(FINISHED) % REMEMBERED == 0:
        read_once.cache_clear()
        _caches.clear_all()
        clear_strategy_cache()
        gc.collect()


def fuzz(app: Flask, kind: Kind, send: Send) -> None:
    """Send requests of the kind."""
    operation = read_once(app, kind.mode)[kind.path][kind.method.upper()]
    chosen = settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )

    @chosen
    @given(case=operation.as_strategy(generation_mode=kind.mode))
    def send_each(case: Case[Any]) -> None:
        send(case)

    send_each()


def check_errors(response: Response) -> None:
    """An answer that is an error has a document that says so."""
    assert response.headers["content-type"][0].startswith(MEDIA_TYPE)
    check(json.loads(response.content)["errors"], response.status_code)


def check(errors: list[dict[str, Any]], status: int) -> None:
    """There are errors, each with the status and with what people and programs look at."""
    assert errors
    for error in errors:
        assert error["status"] == str(status)
        assert error["title"]
        assert error["code"]


# PostgreSQL refuses more than SQLite does: NUL characters, numbers out of range, texts that are no UTF-8.
@pytest.mark.one_database("postgresql")
@pytest.mark.parametrize("kind", kinds())
def test_no_request_of_an_owner_makes_the_service_fail(
    app: Flask,
    api: Api,
    world: World,
    description: Description,
    kind: Kind,
) -> None:
    targets = Targets(world, api)
    token = (world.person(site_role="admin") if kind.name in OF_ADMINISTRATORS else targets.owner).token
    if kind.path.startswith("/api/agent/"):
        token = targets.agent_token()

    def send(case: Case[Any]) -> None:
        if kind.method != "get":
            targets.renew()
            # Which Content-Type is missing or wrong is another test; behind it, the rest is reached.
            case.headers["Content-Type"] = MEDIA_TYPE
        case.path_parameters = targets.parameters(case.path_parameters, kind.name, kind.method)
        if kind.mode is VALID:
            case.body = targets.aimed(case.body)
            case.query = targets.narrowed(case.query)
        # Compressed answers are another test.
        headers = {"Authorization": f"Bearer {token}", "Accept-Encoding": "identity"}
        response = case.call(headers=headers)
        assert response.status_code < 500
        if response.status_code >= 400:
            check_errors(response)
        headers = {name: values[0] for name, values in response.headers.items()}
        assert description.faults(kind.path, kind.method, response.status_code, headers, response.content) == []

    fuzz(app, kind, send)


@pytest.mark.one_database
def test_no_operation_answers_without_a_token(api: Api, world: World) -> None:
    # One request is enough for each: who sends it is asked before the request is read.
    targets = Targets(world, api)
    answers = []
    for path, method, each in operations(without_headers(committed())):
        if each.get("security") != []:
            variable = targets.parameters(dict.fromkeys(re.findall(r"{(\w+)}", path), ""))
            response = api.raw(method.upper(), path.removeprefix("/api/v2").format_map(variable), document={"data": {}})
            answers.append((method, path, response.status_int, response.content_type))
            check(response.json["errors"], response.status_int)
    assert [answer for answer in answers if answer[2:] != (401, MEDIA_TYPE)] == []
    assert len(answers) > 150
