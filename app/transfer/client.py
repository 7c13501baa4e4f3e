"""The API as a client sees it, whichever way requests take."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, Final, Protocol
from urllib.parse import quote, urlencode

import orjson

from app.jsonapi import MEDIA_TYPE
from app.transfer.records import TransferError

ROOT: Final = "/api/v2"
PAGE: Final = 100
# A page of a hundred variables with long values may have this much.
DOCUMENT_BYTES: Final = 64 * 10**6
NOT_FOUND: Final = 404
REFUSED: Final = 400

Resource = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """The status of an answer, and its bytes, which are read while they come."""

    status: int
    pieces: Iterator[bytes]


class Transport(Protocol):
    """The way of a request to a service."""

    def request(self, method: str, address: str, body: bytes, media_type: str) -> AbstractContextManager[Answer]:
        """The answer; ``address`` is a path with its query, or one that the service has named."""


class Refused(Exception):
    """The API has refused a request, with this status and these errors."""

    def __init__(self, status: int, method: str, path: str, errors: list[dict[str, Any]]) -> None:
        self.status = status
        self.errors = errors
        told = "; ".join(dict.fromkeys(_detail_of(each) for each in errors))
        super().__init__(told or f"{method} {path} was answered with {status}")


def _detail_of(error: dict[str, Any]) -> str:
    return str(error.get("detail") or error.get("title") or "").rstrip(".")


class Api:
    """Requests to an API in the form of HCP Terraform's."""

    def __init__(self, transport: Transport) -> None:
        """Take this way."""
        self._transport = transport

    def get(self, path: str, query: Mapping[str, str] | None = None) -> dict[str, Any]:
        """The document at a path below ``/api/v2``."""
        return self._ask("GET", path, query)

    def find(self, path: str, query: Mapping[str, str] | None = None) -> dict[str, Any] | None:
        """The same; None if there is no such thing, or no such route."""
        try:
            return self.get(path, query)
        except Refused as error:
            if error.status == NOT_FOUND:
                return None
            raise

    def every(self, path: str, query: Mapping[str, str] | None = None) -> Iterator[Resource]:
        """The resources of a list, page by page; none if the service has no such list."""
        number: int | None = 1
        while number is not None:
            page = self.find(path, {**(query or {}), "page[number]": str(number), "page[size]": str(PAGE)})
            if page is None:
                return
            found = page.get("data")
            if not isinstance(found, list):
                raise TransferError(f"The answer to {path} is no list of resources.")
            yield from found
            following = (page.get("meta") or {}).get("pagination", {}).get("next-page")
            # A service that repeats a page would keep us here for ever.
            number = following if isinstance(following, int) and following > number and found else None

    def send(self, method: str, path: str, document: object) -> dict[str, Any]:
        """Change something; the document of the answer, which is empty without one."""
        return self._ask(method, path, None, orjson.dumps(document))

    @contextmanager
    def download(self, address: str) -> Iterator[Iterator[bytes]]:
        """The bytes at an address that a document has named."""
        with self._transport.request("GET", address, b"", MEDIA_TYPE) as answer:
            if answer.status >= REFUSED:
                raise Refused(answer.status, "GET", address.partition("?")[0], [])
            yield answer.pieces

    def _ask(self, method: str, path: str, query: Mapping[str, str] | None = None, body: bytes = b"") -> dict[str, Any]:
        address = f"{ROOT}{path}" + (f"?{urlencode(query)}" if query else "")
        with self._transport.request(method, address, body, MEDIA_TYPE) as answer:
            content = _whole(answer.pieces, path)
        try:
            document = orjson.loads(content) if content else {}
        except orjson.JSONDecodeError:
            document = None
        if not isinstance(document, dict):
            if answer.status >= REFUSED:
                raise Refused(answer.status, method, path, [])
            raise TransferError(f"The answer to {method} {path} is no document of an API.")
        if answer.status >= REFUSED:
            errors = document.get("errors")
            told = [each for each in errors if isinstance(each, dict)] if isinstance(errors, list) else []
            raise Refused(answer.status, method, path, told)
        return document


def _whole(pieces: Iterator[bytes], path: str) -> bytes:
    found, size = [], 0
    for piece in pieces:
        size += len(piece)
        if size > DOCUMENT_BYTES:
            raise TransferError(f"The answer to {path} is longer than {DOCUMENT_BYTES:,} bytes.")
        found.append(piece)
    return b"".join(found)


def path_part(name: str) -> str:
    """A name or an id as a part of a path."""
    return quote(name, safe="")


def attributes_of(resource: Resource) -> dict[str, Any]:
    """The attributes of a resource."""
    return resource.get("attributes") or {}


def linkage_of(resource: Resource, name: str) -> Any:  # noqa: ANN401 - JSON
    """The linkage of a relationship: an identifier, a list of them, or None."""
    return ((resource.get("relationships") or {}).get(name) or {}).get("data")
