"""Requests to the API by the person who has signed in, made in the same process.

Such a request goes through the same routes, policy, services and transactions as one from outside; only its caller is
known already. So a page can show nothing, and do nothing, that the API would refuse.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import orjson
from flask import Response, g, request

from app.jsonapi import MEDIA_TYPE
from app.jsonapi.errors import NotFound
from app.web.inner_requests import answer_within

ROOT: Final = "/api/v2"
# The least status of an answer that is none.
REFUSED: Final = 400

Query = Mapping[str, object]


class Refused(Exception):
    """The API has refused a request: its status, its error objects, and the request itself."""

    def __init__(self, status: int, errors: list[dict[str, Any]], method: str, path: str) -> None:
        super().__init__(f"{method} {path}: {status}")
        self.status = status
        self.errors = errors
        self.method = method
        self.path = path

    @property
    def text(self) -> str:
        """What the errors say, for people."""
        return " ".join(f"{each.get('detail') or each['title']}".rstrip(".") + "." for each in self.errors)

    @property
    def by_field(self) -> dict[str, str]:
        """The details by the last part of their pointers, which is the name of an attribute or a relationship."""
        pointed = ((each.get("source", {}).get("pointer", ""), each) for each in self.errors)
        return {pointer.rpartition("/")[2]: each.get("detail") or each["title"] for pointer, each in pointed if pointer}


class Resource:
    """A resource object of an answer. Its attributes are read as Python's: ``workspace.terraform_version``."""

    def __init__(self, data: dict[str, Any], included: Mapping[tuple[str, str], dict[str, Any]]) -> None:
        self.data = data
        self.id: str = data["id"]
        self.type: str = data["type"]
        self.attributes: dict[str, Any] = data.get("attributes", {})
        self._included = included

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - JSON
        """The attribute of this name; None if the answer does not have it."""
        if name.startswith("_"):
            raise AttributeError(name)
        return self.attributes.get(name.replace("_", "-"))

    def related(self, name: str) -> "Resource | None":
        """The resource of a relationship to one; without its attributes unless the answer includes it."""
        linked = self.data.get("relationships", {}).get(name, {}).get("data")
        return self._resource(linked) if isinstance(linked, dict) else None

    def all_related(self, name: str) -> "list[Resource]":
        """The resources of a relationship to many."""
        linked = self.data.get("relationships", {}).get(name, {}).get("data")
        return [self._resource(each) for each in linked] if isinstance(linked, list) else []

    def may(self, name: str) -> bool:
        """Whether the permissions of the resource object have this one: ``workspace.may("can-update")``."""
        return bool((self.attributes.get("permissions") or {}).get(name))

    def _resource(self, linked: dict[str, Any]) -> "Resource":
        return Resource(self._included.get((linked["type"], linked["id"]), linked), self._included)


class Document:
    """The document of an answer."""

    def __init__(self, content: dict[str, Any]) -> None:
        self.content = content
        self.meta: dict[str, Any] = content.get("meta", {})
        self.pagination: dict[str, Any] | None = self.meta.get("pagination")
        self._included = {(each["type"], each["id"]): each for each in content.get("included", [])}

    @property
    def one(self) -> Resource:
        """The resource of the document."""
        return Resource(self.content["data"], self._included)

    def __iter__(self) -> Iterator[Resource]:
        """The resources of the document."""
        return (Resource(each, self._included) for each in self.content["data"])

    def __len__(self) -> int:
        """How many there are on the page."""
        return len(self.content["data"])


def segment(identifier: str | None) -> str:
    """The id from a form or a parameter, as a part of a path; what can't be one would be another path."""
    if not identifier or not identifier.isprintable() or "/" in identifier or not identifier.strip("."):
        raise NotFound
    return identifier


def get_address(address: str, query: Query | None = None) -> Response:
    """What is at an address of the service that a document links to, such as that of a log. Raises ``Refused``."""
    return ask("GET", urlsplit(address).path.removeprefix(request.root_path), query, root="")


def get(path: str, query: Query | None = None) -> Document:
    """What the API answers; raises ``Refused``."""
    return Document(orjson.loads(ask("GET", path, query).data))


def send(method: str, path: str, document: object = None, query: Query | None = None) -> Document | None:
    """Change something; the document of the answer, or None if it has none. Raises ``Refused``."""
    answer = ask(method, path, query, document)
    return Document(orjson.loads(answer.data)) if answer.data and answer.is_json else None


def upload(method: str, path: str, content: bytes, media_type: str) -> None:
    """Send bytes that are no document. Raises ``Refused``."""
    g.api_requests.append((method, f"{ROOT}{path}", {}))
    _dispatch(method, f"{ROOT}{path}", {}, content, media_type)


def ask(method: str, path: str, query: Query | None = None, document: object = None, *, root: str = ROOT) -> Response:
    """The answer itself. The path is below the root of the API. Raises ``Refused``."""
    body = b"" if document is None else orjson.dumps(document)
    # The address of a log is its permission, which is nothing to copy from a page.
    g.api_requests += [(method, f"{root}{path}", query or {})] if root else []
    return _dispatch(method, f"{root}{path}", query or {}, body, MEDIA_TYPE)


def _dispatch(method: str, path: str, query: Query, body: bytes, media_type: str) -> Response:
    answer = answer_within(method, path, urlencode(query, doseq=True), body, media_type)
    if answer.status_code >= REFUSED:
        raise Refused(answer.status_code, orjson.loads(answer.data)["errors"], method, path.removeprefix(ROOT))
    return answer
