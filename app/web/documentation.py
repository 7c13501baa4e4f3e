"""The description of the API: an OpenAPI document, and a page to read it that needs no internet."""

from pathlib import Path
from typing import Final, cast

import flask_swagger_ui
from flask import Blueprint, Flask, Response, redirect, request, send_from_directory, url_for

from app.jsonapi.errors import NotFound
from app.services import services
from app.web.guard import describes, open_to_all

blueprint = Blueprint("documentation", __name__)

PACKAGED: Final = Path(flask_swagger_ui.__file__).parent / "dist"
# The only files of the package that the page needs. Others, such as a page with inline scripts, are not served.
ASSETS: Final = frozenset({"swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png"})
ASSET_SECONDS: Final = 3600
# The first page of the console, by the name of its endpoint: the console is a layer above this one.
CONSOLE: Final = "console.list_organizations"

PAGE: Final = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Groundplan API</title>
<link rel="icon" type="image/png" href="{icon}">
<link rel="stylesheet" href="{style}">
<script src="{bundle}" defer></script>
<script src="{start}" defer></script>
</head>
<body>
<div id="document" data-address="{document}"></div>
<noscript>This page needs JavaScript. <a href="{document}">The document itself</a> does not.</noscript>
</body>
</html>
"""
# Without an explicit null for the validator, the page would send the document to one on the internet.
START: Final = """"use strict";
const place = document.getElementById("document");
SwaggerUIBundle({domNode: place, url: place.dataset.address, validatorUrl: null, deepLinking: true});
"""
# Swagger UI sets inline styles and uses data addresses for icons. Its requests are sent only to this service.
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def install(app: Flask) -> None:
    """Register the routes."""
    app.register_blueprint(blueprint)


@blueprint.get("/api/v2/openapi.json")
@open_to_all
@describes(answer={"type": "object"}, is_plain=True)
def show_document() -> Response:
    """Show the OpenAPI document of the service, as plain JSON."""
    return Response(services().openapi(), content_type="application/json")


@blueprint.get("/")
@open_to_all
@describes()
def show_start_page() -> Response:
    """Send people, whose browsers ask for a page, to the console, and programs to the description of the API."""
    wanted = request.accept_mimetypes.best_match(["application/json", "text/html"])
    endpoint = CONSOLE if wanted == "text/html" else f"{blueprint.name}.{show_document.__name__}"
    return cast("Response", redirect(url_for(endpoint)))


@blueprint.get("/docs")
@open_to_all
@describes()
def show_page() -> Response:
    """Show the page on which people read the document."""
    page = PAGE.format(
        icon=_asset("favicon-32x32.png"),
        style=_asset("swagger-ui.css"),
        bundle=_asset("swagger-ui-bundle.js"),
        start=url_for(f"{blueprint.name}.{show_start.__name__}"),
        document=url_for(f"{blueprint.name}.{show_document.__name__}"),
    )
    return Response(page, content_type="text/html; charset=utf-8", headers={"Content-Security-Policy": POLICY})


@blueprint.get("/docs/start.js")
@open_to_all
@describes()
def show_start() -> Response:
    """Show the script that fills the page; inline scripts are not allowed on it."""
    return Response(START, content_type="text/javascript; charset=utf-8")


@blueprint.get("/docs/<asset>")
@open_to_all
@describes()
def show_asset(asset: str) -> Response:
    """Show a file of the packaged Swagger UI."""
    if asset not in ASSETS:
        raise NotFound
    return send_from_directory(PACKAGED, asset, max_age=ASSET_SECONDS)


def _asset(name: str) -> str:
    return url_for(f"{blueprint.name}.{show_asset.__name__}", asset=name)
