"""The OpenAPI document of the service, made from its routes, their declarations and the schemas."""

import sys
from collections.abc import Iterable
from typing import Any

from flask import Flask

from app.openapi.components import Components
from app.openapi.docstrings import text_of
from app.openapi.errors import error_responses
from app.openapi.headers import header_objects, header_parameters
from app.openapi.operations import SECURITY, operation_object
from app.openapi.routes import Route, routes_of
from app.web.requests import HEADERS


def openapi_document(app: Flask) -> dict[str, Any]:
    """The description of every route of the API, in OpenAPI 3.1."""
    routes = routes_of(app)
    components = Components([route.operation for route in routes])
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method] = operation_object(route, components)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Groundplan",
            "version": HEADERS["TFP-API-Version"],
            "summary": "Projects and workspaces for Terraform, compatible with the API of HCP Terraform.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        # Seen from the document itself, so that it is right below a sub-path as well.
        "servers": [{"url": "../.."}],
        "security": [{SECURITY: []}],
        "tags": [{"name": tag, "description": text} for tag, text in sorted(_tags(app, routes).items())],
        "paths": paths,
        "components": {
            "securitySchemes": {
                SECURITY: {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "The token of a user or of an organization.",
                },
            },
            "headers": header_objects(),
            "parameters": {**components.parameters, **header_parameters()},
            "responses": error_responses(),
            "schemas": dict(sorted(components.schemas.items())),
        },
    }


def _tags(app: Flask, routes: Iterable[Route]) -> dict[str, str]:
    # The docstring of a resource's package is the description of its group.
    packages = {route.tag: app.blueprints[route.blueprint].import_name.rpartition(".")[0] for route in routes}
    return {tag: text_of(sys.modules[package]) for tag, package in packages.items()}
