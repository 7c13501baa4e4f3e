"""One operation of the document: its parameters, its body, its answers."""

from collections.abc import Iterable
from typing import Any

from app.jsonapi import MEDIA_TYPE
from app.openapi.components import COUNT, Components, page_parameters
from app.openapi.errors import RESPONSE_HEADERS, error_name
from app.openapi.examples import example_document
from app.openapi.headers import headers_of, is_conditional, is_repeatable, is_tagged
from app.openapi.members import JsonSchema
from app.openapi.routes import Route
from app.web.guard import DRY_RUN, Operation
from app.web.tables import TABLE

SECURITY = "bearer"
BYTES = "application/octet-stream"
OK = 200
STATUSES = {
    200: "Done.",
    201: "Created.",
    202: "Accepted; it is done soon.",
    204: "Done; there is nothing to show.",
    307: "The header Location has the address.",
}


def operation_object(route: Route, components: Components) -> dict[str, Any]:
    """The operation of a route."""
    operation = route.operation
    summary, text = _texts(route)
    described: dict[str, Any] = {
        "operationId": route.name,
        "tags": [route.tag],
        "summary": summary,
        "description": text,
        "responses": _responses(route, components),
    }
    parameters = [*map(_path_parameter, route.parameters), *_query_parameters(operation), *headers_of(route)]
    if parameters:
        described["parameters"] = parameters
    if operation.body is not None:
        sent: dict[str, Any] = {"schema": _body(route, components)}
        if isinstance(operation.body, type) and route.method == "post":
            many = operation.many and not operation.one_sent
            sent["example"] = example_document(operation.body, many=many)
        described["requestBody"] = {"required": True, "content": {_sent_as(operation): sent}}
    if not route.is_guarded:
        described["security"] = []
    elif route.is_anonymous:
        described["security"] = [{SECURITY: []}, {}]
    return described


def _sent_as(operation: Operation) -> str:
    return _said(operation.body) or (BYTES if _is_bytes(operation.body) else MEDIA_TYPE)


def _answered_as(route: Route) -> list[str]:
    answer = route.operation.answer
    if _is_bytes(answer):
        # A comma-separated list of media types.
        return (_said(answer) or BYTES).split(",")
    return [MEDIA_TYPE if route.is_jsonapi else "application/json"]


def _said(described: object) -> str | None:
    return described.get("contentMediaType") if isinstance(described, dict) else None


def _is_bytes(described: object) -> bool:
    return isinstance(described, dict) and described.get("format") == "binary"


def _texts(route: Route) -> tuple[str, str]:
    text = route.text
    summary = text.partition("\n\n")[0].partition(". ")[0].removesuffix(".")
    if route.permissions:
        asked = ", ".join(f"`{permission}`" for permission in route.permissions)
        text += f"\n\nAsks for {asked}."
    if route.is_changing and route.operation.body is None:
        text += f"\n\nThe request has no body and says `Content-Type: {MEDIA_TYPE}` all the same."
    return summary, text


# --- parameters ----------------------------------------------------------------------------------------------------


def _path_parameter(name: str) -> dict[str, Any]:
    words = name.removesuffix("_id").replace("_", " ")
    member = "Id" if name.endswith("_id") else "Name"
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": "Name" if name == "name" else f"{member} of the {words}",
        "schema": {"type": "string", "minLength": 1},
    }


def _query_parameters(operation: Operation) -> list[dict[str, Any]]:
    listing = operation.listing
    parameters: list[dict[str, Any]] = []
    if listing or (operation.answer and operation.many and operation.paged):
        parameters += [{"$ref": f"#/components/parameters/{name}"} for name in page_parameters()]
    if listing and listing.sorts:
        orders = [f"{sign}{name}" for name in listing.sorts for sign in ("", "-")]
        text = "The order of the list; with - before it, descending. Several come one after the other"
        items = {"type": "string", "enum": orders}
        sort = _query("sort", text, {"type": "array", "items": items, "uniqueItems": True})
        parameters.append(sort | {"style": "form", "explode": False})
    if operation.includes:
        items = {"type": "string", "enum": list(operation.includes)}
        included = _query("include", "Related resources to show as well", {"type": "array", "items": items})
        parameters.append(included | {"style": "form", "explode": False})
    of_filters = [described for each in (listing.filters if listing else ()) for described in each.parameters]
    parameters += [_query(name, text, {"type": "string"}) for name, text in (*of_filters, *operation.parameters)]
    if operation.dry_run is not None:
        text = "true changes nothing, and answers what would be done and who would gain or lose access"
        parameters.append(_query(DRY_RUN, text, {"type": "string", "enum": ["true", "false"]}))
    return parameters


def _query(name: str, text: str, schema: JsonSchema) -> dict[str, Any]:
    return {"name": name, "in": "query", "description": text, "schema": schema}


# --- body and answers ----------------------------------------------------------------------------------------------


def _body(route: Route, components: Components) -> JsonSchema:
    operation = route.operation
    if operation.body is None or isinstance(operation.body, dict):
        return components.given(operation.body or {})
    item = components.sent(operation.body, route.method, is_partial=operation.is_partial)
    return _document(_list_of(item) if operation.many and not operation.one_sent else item)


def _responses(route: Route, components: Components) -> dict[str, Any]:
    operation = route.operation
    success: dict[str, Any] = {"description": STATUSES[operation.status], "headers": RESPONSE_HEADERS}
    answered = _answer(operation, components)
    if answered is not None:
        success["content"] = {media_type: {"schema": answered} for media_type in _answered_as(route)}
        if operation.has_table:
            success["content"][TABLE] = {"schema": {"type": "string"}}
    errors = {
        str(status): {"$ref": f"#/components/responses/{error_name(status)}"} for status in sorted(_errors(route))
    }
    found = {**dict.fromkeys(map(str, (operation.status, *operation.statuses)), success), **errors}
    if operation.dry_run is not None:
        text = "With `dry-run=true`: what would be done. Nothing was changed."
        foreseen = components.given(operation.dry_run)
        if operation.status == OK:
            text = f"{STATUSES[OK]} {text}"
            foreseen = {"anyOf": [answered, foreseen]}
        content = {MEDIA_TYPE: {"schema": foreseen}}
        found = found | {str(OK): {"description": text, "headers": RESPONSE_HEADERS, "content": content}}
    if is_tagged(route):
        tagged = {"headers": {**RESPONSE_HEADERS, "ETag": {"$ref": "#/components/headers/ETag"}}}
        found["200"] = success | tagged
        found["304"] = {"description": "The client has this answer already.", **tagged}
    return found


def _errors(route: Route) -> set[int]:
    operation = route.operation
    statuses = {500, *operation.errors}
    if route.is_guarded:
        # The token is looked up in the database, which may be unavailable, and its requests are counted.
        statuses |= {401, 404, 429, 503}
    if route.is_jsonapi and not _is_bytes(operation.answer):
        statuses.add(406)
    if route.is_changing:
        # A concurrent request may have changed the same rows.
        statuses |= {409, 415}
    if is_repeatable(route):
        statuses |= {400, 422}
    if is_conditional(route):
        statuses.add(412)
    if operation.listing or operation.includes or operation.parameters or operation.dry_run:
        statuses.add(400)
    if operation.body is not None:
        statuses |= {400, 413, 422}
    return statuses


def _answer(operation: Operation, components: Components) -> JsonSchema | None:
    if isinstance(operation.answer, dict):
        return components.given(operation.answer)
    schema_type = operation.listing.schema if operation.listing else operation.answer
    if schema_type is None:
        return None
    item = components.resource(schema_type)
    if operation.otherwise:
        item = {"anyOf": [item, components.resource(operation.otherwise)]}
    others: dict[str, JsonSchema] = {}
    is_list = bool(operation.listing) or operation.many
    # The answer to a creation may include resources that were created with it.
    if operation.includes or not is_list:
        others["included"] = {"$ref": "#/components/schemas/included"}
    if operation.listing or (operation.many and operation.paged):
        return _document(_list_of(item), {**others, **_page()}, ("links",) if operation.paged else ())
    if operation.many:
        others["links"] = {"type": "object", "additionalProperties": {"type": "string"}}
        return _document(_list_of(item), others)
    if operation.meta:
        others["meta"] = operation.meta
    return _document(item, others, ("meta",) if operation.meta else ())


def _page() -> dict[str, JsonSchema]:
    counts = {"type": "object", "additionalProperties": COUNT}
    meta = {"pagination": {"$ref": "#/components/schemas/pagination"}, "status-counts": counts}
    return {
        "links": {"$ref": "#/components/schemas/page-links"},
        "meta": {
            "description": "Counts; a page by cursor has none.",
            "type": "object",
            "properties": meta,
        },
    }


def _list_of(item: JsonSchema) -> JsonSchema:
    return {"type": "array", "items": item}


def _document(
    primary: JsonSchema,
    others: dict[str, JsonSchema] | None = None,
    required: Iterable[str] = (),
) -> JsonSchema:
    return {
        "type": "object",
        "required": ["data", *required],
        "properties": {"data": primary, **(others or {})},
    }
