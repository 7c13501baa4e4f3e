"""What requests cost in statements."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from tests.support.api import Api

Statements = Callable[[], AbstractContextManager[list[str]]]
"""The fixture ``statements``."""
Request = tuple[str, str, Any]
"""Method, path and body."""


def cost(statements: Statements, api: Api, token: str, request: Request) -> int:
    """The statements of the request; that a transaction on SQLite begins is none of them."""
    method, path, sent = request
    with statements() as seen:
        response = api.raw(method, path, token, sent)
    assert response.status_int < 300, response.text
    return len([statement for statement in seen if statement != "BEGIN IMMEDIATE"])
