"""Whatever is sent, the answer is one that the API document has: no failure of the service, errors as JSON:API.

Schemathesis makes the requests from the document itself, valid ones and broken ones; the same ones in every run.
"""

import json
from collections.abc import Callable
from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case, GenerationMode, Response

from tests.contract.description import Description, committed, operations
from tests.contract.targets import Targets
from tests.world import World

EXAMPLES = 8
TOKENLESS_EXAMPLES = 2

OPERATIONS = [pytest.param(path, method, id=each["operationId"]) for path, method, each in operations(committed())]
GUARDED = [
    pytest.param(path, method, id=each["operationId"])
    for path, method, each in operations(committed())
    if each.get("security") != []
]
MODES = [GenerationMode.POSITIVE, GenerationMode.NEGATIVE]

Send = Callable[[Case], None]


def fuzz(app: Flask, path: str, method: str, mode: GenerationMode, examples: int, send: Send) -> None:
    """Send requests for one operation."""
    loaded = schemathesis.openapi.from_dict(committed())
    loaded.app = app
    chosen = settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )

    @chosen
    @given(case=loaded[path][method.upper()].as_strategy(generation_mode=mode))
    def send_each(case: Case) -> None:
        send(case)

    send_each()


def check_errors(response: Response) -> None:
    """An answer that is an error has a document that says so."""
    assert response.headers["content-type"][0].startswith("application/vnd.api+json")
    errors: list[dict[str, Any]] = json.loads(response.content)["errors"]
    assert errors
    for error in errors:
        assert error["status"] == str(response.status_code)
        assert error["title"]
        assert error["code"]


@pytest.mark.parametrize("mode", MODES, ids=["valid", "broken"])
@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_no_request_of_an_owner_makes_the_service_fail(
    app: Flask,
    world: World,
    description: Description,
    path: str,
    method: str,
    mode: GenerationMode,
) -> None:
    targets = Targets(world)

    def send(case: Case) -> None:
        if method != "get":
            targets.renew()
        case.path_parameters = targets.parameters(case.path_parameters)
        if mode is GenerationMode.POSITIVE:
            case.body = targets.aimed(case.body)
        response = case.call(headers={"Authorization": f"Bearer {targets.owner.token}"})
        assert response.status_code < 500
        if response.status_code >= 400:
            check_errors(response)
        headers = {name.title(): values[0] for name, values in response.headers.items()}
        assert description.faults(path, method, response.status_code, headers, response.content) == []

    fuzz(app, path, method, mode, EXAMPLES, send)


@pytest.mark.parametrize(("path", "method"), GUARDED)
def test_no_request_without_a_token_gets_anywhere(app: Flask, world: World, path: str, method: str) -> None:
    targets = Targets(world)

    def send(case: Case) -> None:
        case.path_parameters = targets.parameters(case.path_parameters)
        case.headers.pop("Authorization", None)
        response = case.call()
        assert response.status_code in {401, 404, 415}
        check_errors(response)

    for mode in MODES:
        fuzz(app, path, method, mode, TOKENLESS_EXAMPLES, send)
