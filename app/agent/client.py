"""The agent's side of the protocol: every call, what its answers mean, and what is tried again."""

import json
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, Any, TypeVar
from urllib.parse import quote

import urllib3

PROTOCOL = 1
BASE = "/api/agent/v1"
NO_CONTENT = 204
FIRST_WAIT, LONGEST_WAIT = 0.2, 5.0
USUAL = urllib3.Timeout(connect=10, read=60)
# A lease or a ping that hangs is given up long before the lease ends.
BEAT = urllib3.Timeout(total=10)

Document = dict[str, Any]
T = TypeVar("T")


class Unavailable(Exception):
    """The service can't be reached or is in trouble; later it may answer."""


class Refused(Exception):
    """The service has understood and says no; the text is its reason."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status

    @property
    def is_for_now(self) -> bool:
        """Whether it is the token that is refused: with a new one, the same may be taken."""
        return self.status in {401, 403}


class JobLost(Exception):
    """The job is not, or no longer, that of this agent."""


class Client:
    """Calls the service; any number of threads may use it."""

    def __init__(self, url: str, token: str, *, connections: int = 8, user_agent: str = "groundplan-agent") -> None:
        self.url = url
        self._headers = {"Authorization": f"Bearer {token}", "User-Agent": user_agent}
        self._pool = urllib3.PoolManager(
            num_pools=2,
            maxsize=connections,
            retries=False,
        )

    def call(
        self,
        method: str,
        path: str,
        body: bytes | IO[bytes] | Document | None = None,
        *,
        length: int | None = None,
        timeout: urllib3.Timeout = USUAL,
        **query: str | int,
    ) -> tuple[int, Document | None, dict[str, str]]:
        """Send one request and read its answer whole: status, document, headers."""
        with self.open(method, path, body, length=length, timeout=timeout, **query) as response:
            try:
                data = response.read()
            except (urllib3.exceptions.HTTPError, OSError) as error:
                raise Unavailable(str(error)) from error
        return response.status, _document(data), dict(response.headers)

    @contextmanager
    def open(
        self,
        method: str,
        path: str,
        body: bytes | IO[bytes] | Document | None = None,
        *,
        length: int | None = None,
        timeout: urllib3.Timeout = USUAL,
        **query: str | int,
    ) -> Iterator[urllib3.BaseHTTPResponse]:
        """Send one request; its answer is read by the caller."""
        headers = dict(self._headers)
        if isinstance(body, dict):
            body = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        elif body is not None:
            headers["Content-Type"] = "application/octet-stream"
            if length is not None:
                headers["Content-Length"] = str(length)
        address = self.url + BASE + path
        if query:
            address += "?" + "&".join(f"{name}={quote(str(value))}" for name, value in query.items())
        try:
            response = self._pool.request(
                method,
                address,
                body=body,
                headers=headers,
                preload_content=False,
                redirect=False,
                timeout=timeout,
            )
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise Unavailable(str(error)) from error
        try:
            _check(response)
            yield response
        finally:
            response.drain_conn()
            response.release_conn()

    def close(self) -> None:
        """Close the connections."""
        self._pool.clear()


def _document(data: bytes) -> Document | None:
    """The document of an answer; what is none was not sent by the service, but by a proxy in between."""
    if not data:
        return None
    try:
        document = json.loads(data)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise Unavailable("the answer is no JSON document, so it does not come from the service")
    return document


def _check(response: urllib3.BaseHTTPResponse) -> None:
    status = response.status
    if status < 300:  # noqa: PLR2004 - statuses of HTTP
        return
    try:
        data = response.read(64 * 1024)
    except (urllib3.exceptions.HTTPError, OSError):
        data = b""
    if status in {408, 429} or status >= 500:  # noqa: PLR2004 - statuses of HTTP
        raise Unavailable(f"the service answers with {status}")
    raise Refused(status, _reason(status, data))


def _reason(status: int, data: bytes) -> str:
    try:
        errors = json.loads(data)["errors"]
        return "; ".join(str(error.get("detail") or error.get("title")) for error in errors)
    except (ValueError, LookupError, TypeError, AttributeError):
        return f"the service answers with {status}"


def waits() -> Iterator[float]:
    """How long to wait before each further attempt: longer and longer, and never the same for two agents."""
    wait = FIRST_WAIT
    while True:
        yield wait * random.uniform(0.7, 1.3)  # noqa: S311 - no secret: it only spreads requests
        wait = min(LONGEST_WAIT, wait * 2)


def insist(attempt: Callable[[], T], ended: threading.Event | None = None, seconds: float | None = None) -> T:
    """Try until the service answers, for so long if it is said, or until `ended` is set."""
    due = None if seconds is None else time.monotonic() + seconds
    for wait in waits():
        try:
            return attempt()
        except Unavailable:
            if (ended is not None and ended.is_set()) or (due is not None and time.monotonic() + wait > due):
                raise
            if ended is not None:
                ended.wait(wait)
            else:
                time.sleep(wait)
    raise AssertionError


class JobClient:
    """The calls about one job."""

    def __init__(self, client: Client, job_id: str, fence: int) -> None:
        self.client = client
        self.path = f"/jobs/{job_id}"
        self.fence = fence

    def start(self) -> Document:
        """Say that Terraform is about to be executed: variables, token and the signal."""
        return self._ask("POST", "/start")

    def renew(self) -> Document:
        """Renew the lease: the signal."""
        return self._ask("PUT", "/lease", timeout=BEAT)

    def log(self, offset: int, data: bytes) -> int:
        """Append to the log: the length that the service has now."""
        return int(self._ask("PUT", "/log", data, offset=offset)["length"])

    def state(self, data: IO[bytes], length: int, *, final: bool) -> str:
        """Hand over a state: as what it is kept."""
        answer = self._call("PUT", "/state", data, length=length, final="true" if final else "false")
        return str((answer or {}).get("kept-as"))

    def put(self, name: str, data: bytes | IO[bytes], length: int) -> None:
        """Hand over an artifact."""
        self._call("PUT", f"/artifacts/{name}", data, length=length)

    def policies(self) -> Document:
        """Begin to evaluate policies: those that count for the run."""
        return self._ask("POST", "/policies", b"{}")

    def policy_outcomes(self, told: Document) -> None:
        """Say what the policies say."""
        self._call("POST", "/policy-outcomes", told)

    def finish(self, result: Document) -> None:
        """Say how it ended."""
        self._call("POST", "/finish", result)

    def download(self, part: str, target: IO[bytes], most: int) -> bool:
        """Copy a part into a file; False if there is none."""
        with _lost_or_not(), self.client.open("GET", f"{self.path}/{part}", fence=self.fence) as response:
            if response.status == NO_CONTENT:
                return False
            length = 0
            try:
                for piece in response.stream(64 * 1024, decode_content=False):
                    length += len(piece)
                    if length > most:
                        raise Refused(response.status, f"the {part} is larger than {most} bytes")
                    target.write(piece)
            except (urllib3.exceptions.HTTPError, OSError) as error:
                raise Unavailable(str(error)) from error
            return True

    def _call(
        self,
        method: str,
        path: str,
        body: bytes | IO[bytes] | Document | None = None,
        *,
        length: int | None = None,
        timeout: urllib3.Timeout = USUAL,
        **query: str | int,
    ) -> Document | None:
        with _lost_or_not():
            path = self.path + path
            return self.client.call(method, path, body, length=length, timeout=timeout, fence=self.fence, **query)[1]

    def _ask(
        self, method: str, path: str, body: bytes | None = None, *, timeout: urllib3.Timeout = USUAL, **query: int
    ) -> Document:
        answer = self._call(method, path, body, length=None, timeout=timeout, **query)
        if answer is None:
            raise Unavailable("the answer is empty, so it does not come from the service")
        return answer


@contextmanager
def _lost_or_not() -> Iterator[None]:
    try:
        yield
    except Refused as refused:
        if refused.status in {404, 409}:
            raise JobLost(str(refused)) from refused
        raise
