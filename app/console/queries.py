"""The query parameters of pages with a list."""

from collections.abc import Callable
from typing import Any

from flask import request, url_for


def page_query(size: int = 20) -> dict[str, Any]:
    """The parameters that ask the API for the page that the person wants to see."""
    return {"page[number]": request.args.get("page", "1"), "page[size]": size}


def page_address(**values: str) -> Callable[[int], str]:
    """A function that makes the address of another page of this list, with the same filters."""
    endpoint = request.endpoint or ""
    kept: dict[str, Any] = {
        name: value for name, value in request.args.items() if name not in {"page", "done"} and value
    }

    def address(number: int) -> str:
        return url_for(endpoint, **{**kept, **values, "page": number})

    return address
