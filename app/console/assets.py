"""Style sheets, scripts and icons of the pages: a few files of Bootstrap-Flask's own copy, and ours.

Their addresses have a digest of their content, so browsers keep them for ever.
"""

import gzip
import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import flask_bootstrap
from flask import Response, request, url_for

from app.console.blueprint import blueprint
from app.jsonapi.errors import NotFound
from app.web.guard import describes, open_to_all

_PACKAGED: Final = Path(flask_bootstrap.__file__).parent / "static" / "bootstrap5"
_OWN: Final = Path(__file__).parent / "static"
FILES: Final = {
    "bootstrap.css": (_PACKAGED / "css" / "bootstrap.min.css", "text/css; charset=utf-8"),
    "console.css": (_OWN / "console.css", "text/css; charset=utf-8"),
    "theme.js": (_OWN / "theme.js", "text/javascript; charset=utf-8"),
    "console.js": (_OWN / "console.js", "text/javascript; charset=utf-8"),
    "icon.svg": (_OWN / "icon.svg", "image/svg+xml"),
}


@dataclass(frozen=True, slots=True)
class Asset:
    """A file with what it takes to send it."""

    content: bytes
    compressed: bytes
    media_type: str
    digest: str


@cache
def asset(name: str) -> Asset:
    """The file of this name, read and compressed once in each process."""
    path, media_type = FILES[name]
    content = path.read_bytes()
    # The time in the header would differ between processes.
    return Asset(content, gzip.compress(content, mtime=0), media_type, hashlib.sha256(content).hexdigest()[:16])


def asset_url(name: str) -> str:
    """The address of the file."""
    return url_for("console.show_asset", digest=asset(name).digest, name=name)


@blueprint.get("/assets/<digest>/<name>")
@open_to_all
@describes()
def show_asset(digest: str, name: str) -> Response:
    """Show a style sheet, a script or an icon of the console."""
    if name not in FILES or asset(name).digest != digest:
        raise NotFound
    found = asset(name)
    headers = {"Cache-Control": "public, max-age=31536000, immutable", "Vary": "Accept-Encoding"}
    if request.accept_encodings["gzip"] > 0:
        return Response(
            found.compressed, content_type=found.media_type, headers={**headers, "Content-Encoding": "gzip"}
        )
    return Response(found.content, content_type=found.media_type, headers=headers)
