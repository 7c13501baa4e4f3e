"""A client for the tests: paths below ``/api/v2``, documents as plain objects, the status always said."""

from typing import Any

import orjson
from flask import Flask
from webtest import TestApp
from webtest.response import TestResponse

MEDIA_TYPE = "application/vnd.api+json"
ELSEWHERE = ("/.", "/api/agent/", "/api/meta/", "/api/registry/", "/docs", "/objects/")
"""How the paths begin that are not below ``/api/v2``."""


class Api:
    """Sends requests over WSGI. ``expect`` is the status that the test expects; another one fails it."""

    def __init__(self, app: Flask) -> None:
        self._app = TestApp(app, lint=True)

    def get(self, path: str, token: str | None = None, *, expect: int = 200, **parameters: str) -> Any:
        """The document at the path; query parameters whose names are no Python names go into the path."""
        return self.send("GET", path, token, expect=expect, parameters=parameters)

    def post(self, path: str, token: str | None = None, document: Any = None, *, expect: int = 201) -> Any:
        return self.send("POST", path, token, document, expect=expect)

    def patch(self, path: str, token: str | None = None, document: Any = None, *, expect: int = 200) -> Any:
        return self.send("PATCH", path, token, document, expect=expect)

    def put(self, path: str, token: str | None = None, document: Any = None, *, expect: int = 200) -> Any:
        return self.send("PUT", path, token, document, expect=expect)

    def delete(self, path: str, token: str | None = None, document: Any = None, *, expect: int = 204) -> Any:
        return self.send("DELETE", path, token, document, expect=expect)

    def send(
        self,
        method: str,
        path: str,
        token: str | None = None,
        document: Any = None,
        *,
        expect: int,
        parameters: dict[str, str] | None = None,
    ) -> Any:
        """The decoded document of the answer; None when it has no body."""
        response = self.raw(method, path, token, document, parameters=parameters)
        assert response.status_int == expect, f"{method} {path}: {response.status} {response.text}"
        return orjson.loads(response.body) if response.body else None

    def raw(
        self,
        method: str,
        path: str,
        token: str | None = None,
        document: Any = None,
        *,
        headers: dict[str, str] | None = None,
        parameters: dict[str, str] | None = None,
    ) -> TestResponse:
        """The response itself, whatever its status. ``document`` may be bytes, to send them as they are."""
        sent = {"Content-Type": MEDIA_TYPE, "Accept": MEDIA_TYPE}
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        body = document if isinstance(document, bytes) else b"" if document is None else orjson.dumps(document)
        full = path if path.startswith(ELSEWHERE) else f"/api/v2{path}"
        if parameters:
            full += ("&" if "?" in full else "?") + "&".join(f"{name}={value}" for name, value in parameters.items())
        return self._app.request(
            full,
            method=method,
            headers={**sent, **(headers or {})},
            body=body,
            expect_errors=True,
        )


def document(type_: str, attributes: dict[str, Any] | None = None, **relationships: Any) -> dict[str, Any]:
    """A document with one resource object; relationships are given as linkage: ``project=("projects", id)``.

    A list gives a to-many linkage; its items are pairs or whole resource objects.
    """
    data: dict[str, Any] = {"type": type_, "attributes": attributes or {}}
    if relationships:
        data["relationships"] = {
            name.replace("_", "-"): {"data": linkage(value)} for name, value in relationships.items()
        }
    return {"data": data}


def linkage(value: Any) -> Any:
    """Resource identifiers for pairs of type and id."""
    if isinstance(value, list):
        return [linkage(item) for item in value]
    if isinstance(value, tuple):
        return {"type": value[0], "id": value[1]}
    return value


def faults(answer: dict[str, Any]) -> list[tuple[str, str]]:
    """What an error document says: detail and what is at fault, for each error object."""
    found = []
    for error in answer["errors"]:
        source = error.get("source", {})
        found.append((error.get("detail", ""), source.get("pointer", source.get("parameter", ""))))
    return found
