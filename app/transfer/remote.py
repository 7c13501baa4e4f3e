"""Requests to another service over HTTP: HCP Terraform, Terraform Enterprise, OTF, or another Groundplan.

The operator names its address on the command line. So it may be within a private network, unlike addresses that users
of this service name (``app.outbound``): whoever runs commands on this host can reach it anyway.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.parse import urljoin, urlsplit

import urllib3

from app.persistence import now
from app.transfer.client import Answer
from app.transfer.records import TransferError

TIMES: Final = urllib3.Timeout(connect=10, read=60)
ATTEMPTS: Final = 8
LONGEST_WAIT: Final = 120.0
REDIRECTS: Final = 5
PIECE: Final = 256 * 1024
# Too many requests, or a service in trouble: asked again later.
LATER: Final = frozenset({429, 502, 503, 504})
MOVED: Final = frozenset({301, 302, 303, 307, 308})


class Remote:
    """The way to a service elsewhere. It only reads."""

    def __init__(
        self,
        url: str,
        token: str,
        *,
        tell: Callable[[str], None] = lambda _text: None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """``url`` is where the service is; the token is sent to its host alone. ``tell`` is told of waits."""
        named = urlsplit(url if "://" in url else f"https://{url}")
        if named.scheme not in {"http", "https"} or not named.hostname or named.username is not None:
            raise TransferError(f"{url} is no address of a service, such as https://app.terraform.io.")
        self._base = f"{named.scheme}://{named.netloc}{named.path.rstrip('/').removesuffix('/api/v2')}"
        self._origin = (named.scheme, named.netloc.lower())
        self._token = token
        self._tell = tell
        self._sleep = sleep
        self._has_answered = False
        self._pool = urllib3.PoolManager(num_pools=4, maxsize=2, retries=False)

    @contextmanager
    def request(self, method: str, address: str, body: bytes, media_type: str) -> Iterator[Answer]:
        """The answer, after waiting as often as the service asks for it."""
        if method != "GET":
            raise TransferError("Nothing is written to the other service.")
        url = urljoin(f"{self._base}/", address) if "://" in address else f"{self._base}{address}"
        response = self._answered(method, url, body, media_type)
        try:
            yield Answer(response.status, self._pieces(response, address))
        finally:
            response.close()
            response.release_conn()

    def _answered(self, method: str, url: str, body: bytes, media_type: str) -> urllib3.BaseHTTPResponse:
        redirects = 0
        for attempt in range(ATTEMPTS):
            try:
                response = self._sent(method, url, body, media_type)
                while response.status in MOVED and redirects < REDIRECTS:
                    redirects += 1
                    url = urljoin(url, response.headers.get("Location", ""))
                    response.drain_conn()
                    response = self._sent(method, url, body, media_type)
            except urllib3.exceptions.HTTPError as error:
                # Whoever has never answered is not there; whoever has may come back.
                if attempt == ATTEMPTS - 1 or not self._has_answered:
                    raise TransferError(f"{_shown(url)} can't be reached: {_reason(error)}.") from error
                self._wait(None, attempt)
                continue
            self._has_answered = True
            if response.status not in LATER or attempt == ATTEMPTS - 1:
                return response
            wait = _asked_wait(response)
            response.drain_conn()
            self._wait(wait, attempt)
        raise AssertionError("the last attempt returns or raises")

    def _wait(self, asked: float | None, attempt: int) -> None:
        seconds = min(2.0**attempt if asked is None else asked, LONGEST_WAIT)
        self._tell(f"waiting {seconds:.0f} seconds: the service is busy, or can't be reached")
        self._sleep(seconds)

    def _sent(self, method: str, url: str, body: bytes, media_type: str) -> urllib3.BaseHTTPResponse:
        named = urlsplit(url)
        if named.scheme not in {"http", "https"}:
            raise TransferError(f"The service has named an address that is none: {_shown(url)}.")
        headers = {"Accept": media_type, "User-Agent": "groundplan-import"}
        if body:
            headers["Content-Type"] = media_type
        # Addresses of states may be those of a store elsewhere, which need no token and must not learn it.
        if (named.scheme, named.netloc.lower()) == self._origin:
            headers["Authorization"] = f"Bearer {self._token}"
        return self._pool.request(
            method, url, body=body or None, headers=headers, timeout=TIMES, redirect=False, preload_content=False
        )

    def _pieces(self, response: urllib3.BaseHTTPResponse, address: str) -> Iterator[bytes]:
        try:
            yield from response.stream(PIECE, decode_content=True)
        except urllib3.exceptions.HTTPError as error:
            raise TransferError(f"The answer to {_shown(address)} was cut off: {_reason(error)}.") from error


def _asked_wait(response: urllib3.BaseHTTPResponse) -> float | None:
    """How many seconds the service wants us to wait."""
    for name in ("Retry-After", "X-RateLimit-Reset"):
        text = response.headers.get(name, "")
        with suppress(ValueError):
            return max(float(text), 0.0)
        if name == "Retry-After" and text:
            with suppress(ValueError):
                return max((parsedate_to_datetime(text) - now()).total_seconds(), 0.0)
    return None


def _shown(url: str) -> str:
    # The query of a signed address is a permission.
    return url.partition("?")[0]


def _reason(error: Exception) -> str:
    return type(error).__name__ if not str(error) else str(error).partition("?")[0].rstrip(".")
