"""The address by which a client reaches the service: the base of every absolute address in answers.

It is the setting ``url``. Without one, it is what the request says: its scheme and host, and the path of a proxy below
which the service stands.
"""

import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlsplit

from flask import Flask, request
from werkzeug.middleware.proxy_fix import ProxyFix

from app.config import Settings, is_authority, is_sub_path
from app.jsonapi.errors import BadRequest
from app.services import services

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

SLASHES: Final = re.compile("/{2,}")
DEFAULT_PORTS: Final = {"http": "80", "https": "443"}
SAFE_IN_PATH: Final = "/:@!$&'()*+,;=~"
# Attributes with an address below the service, beside the links.
ADDRESSES: Final = ("icon-url", "avatar-url")


class BadAddress(BadRequest):
    """The host, the scheme or the path that the request was sent to is none that an address can be built from."""

    code = "bad-address"


class Location:
    """Finds out below which path the service stands, and what the path of the request is without it."""

    def __init__(self, app: "WSGIApplication", settings: Settings) -> None:
        """The path of the setting ``url`` counts. Without the setting it is the one that a trusted proxy says."""
        self.app = app
        self.root = None if settings.url is None else urlsplit(settings.url).path

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> "Iterable[bytes]":
        """Change the environment, and go on."""
        root = environ.get("SCRIPT_NAME", "").rstrip("/") if self.root is None else self.root
        path = SLASHES.sub("/", environ.get("PATH_INFO", ""))
        # Some proxies pass on the whole path, others cut off the part that led to the service.
        if root and (path == root or path.startswith(f"{root}/")):
            path = path.removeprefix(root)
        environ["SCRIPT_NAME"] = root
        environ["PATH_INFO"] = path.rstrip("/") or "/"
        return self.app(environ, start_response)


def install(app: Flask, settings: Settings) -> None:
    """Believe as many proxies as the settings say, and refuse requests without a usable address.

    Anybody who can reach the service around its proxies could send their headers, so trusting them must be configured.
    """
    app.wsgi_app = Location(app.wsgi_app, settings)  # type: ignore[method-assign]
    if count := settings.trusted_proxies:
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=count, x_proto=count, x_host=count, x_prefix=count
        )

    @app.before_request
    def refuse_bad_address() -> None:
        # Before anything is done: whoever gets no address for a state would have changed the cloud already.
        is_sent = "HTTP_HOST" in request.environ
        if is_sent and not is_authority(request.environ["HTTP_HOST"]):
            raise BadAddress("The header Host must be a host by RFC 3986, perhaps with a port")
        if settings.url is not None:
            return
        if not is_sent and not is_authority(_authority()):
            raise BadAddress("The request needs a header Host, because the service does not know its own address")
        if request.scheme not in DEFAULT_PORTS:
            raise BadAddress("The header X-Forwarded-Proto must be http or https")
        if request.root_path and not is_sub_path(request.root_path):
            raise BadAddress("The header X-Forwarded-Prefix must be a path of letters, digits and ._~@:+-")


def base_url() -> str:
    """The address at which clients reach the service, without a slash at the end."""
    configured = services().settings.url
    if configured is not None:
        return configured
    host, _, port = _authority().rpartition(":")
    authority = host if host and port in {"", DEFAULT_PORTS[request.scheme]} else _authority()
    return f"{request.scheme}://{authority}{request.root_path}"


def page_url() -> str:
    """The absolute address of this request, without its query."""
    return f"{base_url()}{quote(request.path, safe=SAFE_IN_PATH)}"


def sub_path() -> str:
    """The path below which the service stands; empty if that is the root of its host."""
    return request.root_path.rstrip("/")


def is_https() -> bool:
    """Whether clients reach the service by https."""
    return base_url().startswith("https:")


def put_below_sub_path(document: dict[str, Any]) -> None:
    """Complete the links in a document, which begin at the root of the host, by the path of the service.

    Its resource objects are replaced and never changed: some are made once and shown by every answer.
    """
    root = sub_path()
    if not root:
        return
    data = document.get("data")
    if isinstance(data, list):
        document["data"] = [_below(resource, root) for resource in data]
    elif data is not None:
        document["data"] = _below(data, root)
    if "included" in document:
        document["included"] = [_below(resource, root) for resource in document["included"]]


def _below(resource: Any, root: str) -> Any:  # noqa: ANN401 - a resource object, or other data of a plain answer
    if not isinstance(resource, dict):
        return resource
    below = _with_links(resource, root)
    if relationships := resource.get("relationships"):
        below["relationships"] = {name: _with_links(each, root) for name, each in relationships.items()}
    attributes = resource.get("attributes")
    if isinstance(attributes, dict):
        changed = {name: _put(attributes[name], root) for name in ADDRESSES if name in attributes}
        below["attributes"] = {**attributes, **changed}
    return below


def _with_links(owner: Any, root: str) -> Any:  # noqa: ANN401 - an object of the document
    links = owner.get("links") if isinstance(owner, dict) else None
    if not isinstance(links, dict):
        return dict(owner) if isinstance(owner, dict) else owner
    return {**owner, "links": {name: _put(link, root) for name, link in links.items()}}


def _put(address: Any, root: str) -> Any:  # noqa: ANN401 - a link may be null or an object
    return root + address if isinstance(address, str) and address.startswith("/") else address


def _authority() -> str:
    """The host of the request, perhaps with a port: as it was sent, else as the server knows it."""
    environ = request.environ
    sent: str | None = environ.get("HTTP_HOST")
    if sent is not None:
        return sent
    name = environ["SERVER_NAME"]
    return f"[{name}]:{environ['SERVER_PORT']}" if ":" in name else f"{name}:{environ['SERVER_PORT']}"
