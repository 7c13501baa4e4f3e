"""The page of all errors of the API, made from their classes."""

from collections.abc import Iterator

from app.jsonapi.errors import ApiError

HEAD = """# Errors

Made by `flask errors-table`; a test holds it equal to the code. Every answer with a status of 400 or more is a document
with one error object for each fault:

```json
{
  "errors": [
    {
      "status": "422",
      "title": "invalid attribute",
      "code": "invalid-attribute",
      "detail": "Name is too short (minimum is 3 characters)",
      "source": {"pointer": "/data/attributes/name"}
    }
  ]
}
```

`status`, `title` and `code` are always there; `status` is text. `detail` is a sentence for people. `source` has the
`pointer` to the member of the body, or the query `parameter`, that is at fault. 401 and 404 carry neither, so that what
is hidden and what is missing answer the same bytes. The header `X-Request-Id` of the answer names the request in the
log.

| status | code | title | when | detail, where it is always the same |
|---|---|---|---|---|
"""


def kinds(kind: type[ApiError] = ApiError) -> Iterator[type[ApiError]]:
    """The class and all classes of the service that derive from it, each after its base."""
    yield kind
    for derived in kind.__subclasses__():
        # Without the classes that tests derive.
        if derived.__module__.partition(".")[0] == __name__.partition(".")[0]:
            yield from kinds(derived)


def errors_page() -> str:
    """The whole page, in Markdown. Errors of resources are in it if their modules have been imported."""
    by_code: dict[str, type[ApiError]] = {}
    for kind in kinds():
        # A class without a code of its own is listed as its base.
        by_code.setdefault(kind.code, kind)
    return HEAD + "".join(sorted(_line(kind) for kind in by_code.values()))


def meaning(kind: type[ApiError]) -> str:
    """When the API answers with this error, in one sentence."""
    if kind is ApiError:
        return "The service failed; its log says why, under the id of the request."
    return " ".join((kind.__doc__ or "").partition("\n\n")[0].split())


def _line(kind: type[ApiError]) -> str:
    when = meaning(kind)
    # A line break would end the row of the table.
    detail = " ".join((kind.detail or "").split())
    return f"| {kind.status} | `{kind.code}` | {kind.title} | {when} | {detail} |\n"
