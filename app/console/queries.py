"""The query parameters of pages with a list."""

from collections.abc import Callable
from typing import Any, Final

from flask import request, url_for

SHORT: Final = 20
# The most that a page has; of choices in a form as well.
LONG: Final = 100


def page_query(size: int = SHORT) -> dict[str, Any]:
    """The parameters that ask the API for the page that the person wants to see, which may be a long one."""
    wanted = LONG if request.args.get("size") == str(LONG) else size
    return {"page[number]": request.args.get("page", "1"), "page[size]": wanted}


def page_address(**values: str) -> Callable[..., str]:
    """A function that makes the address of another page of this list, with the same filters."""
    endpoint = request.endpoint or ""
    kept: dict[str, Any] = {
        name: value for name, value in request.args.items() if name not in {"page", "done"} and value
    }

    def address(number: int, size: int | None = None) -> str:
        return url_for(endpoint, **{**kept, **values, "page": number, **({"size": size} if size else {})})

    return address
