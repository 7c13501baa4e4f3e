"""Requests to another service: waiting, giving up, and who learns the token."""

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from app.transfer import client, remote
from app.transfer.client import Api, Refused
from app.transfer.records import TransferError
from app.transfer.remote import Remote

Answer = tuple[int, dict[str, str], bytes]


class Service:
    """A server that answers from a list, and notes what it was asked."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.asked: list[tuple[str, str | None]] = []
        self.waits: list[float] = []
        own = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                own.asked.append((self.path, self.headers.get("Authorization")))
                status, headers, content = own.answers.pop(0)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                if "Content-Length" not in headers:
                    self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_arguments: object) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def api(self) -> Api:
        return Api(Remote(self.url, "t0ken", sleep=self.waits.append))


@pytest.fixture
def new_service() -> Iterator[Callable[[], Service]]:
    made: list[Service] = []

    def make() -> Service:
        made.append(Service())
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def service(new_service: Callable[[], Service]) -> Service:
    return new_service()


OK: Answer = (200, {}, b'{"data":{"id":"x"}}')


def test_it_waits_as_long_as_the_service_says(service: Service) -> None:
    service.answers = [
        (429, {"Retry-After": "7"}, b""),
        (429, {"X-RateLimit-Reset": "0.4"}, b""),
        (503, {}, b"<html>"),
        (429, {"Retry-After": "86400"}, b""),
        OK,
    ]
    assert service.api().get("/x") == {"data": {"id": "x"}}
    assert service.waits == [7.0, 0.4, 4.0, remote.LONGEST_WAIT]
    assert service.asked == [("/api/v2/x", "Bearer t0ken")] * 5


def test_it_gives_up_in_the_end(service: Service, new_service: Callable[[], Service]) -> None:
    service.answers = [(503, {}, b"<html>")] * remote.ATTEMPTS
    with pytest.raises(Refused, match="was answered with 503"):
        service.api().get("/x")
    for is_known, waits in ((False, 0), (True, remote.ATTEMPTS - 1)):
        gone = new_service()
        api = gone.api()
        gone.answers = [OK]
        if is_known:
            api.get("/x")
        gone._server.server_close()
        with pytest.raises(TransferError, match="can't be reached"):
            api.get("/x")
        assert len(gone.waits) == waits


def test_the_token_goes_to_the_service_alone(service: Service, new_service: Callable[[], Service]) -> None:
    store = new_service()
    service.answers = [(302, {"Location": f"{store.url}/state?signature=s"}, b"")]
    store.answers = [(200, {}, b"bytes"), (200, {}, b"more")]
    api = service.api()
    with api.download(f"{service.url}/objects/1") as pieces:
        assert b"".join(pieces) == b"bytes"
    with api.download(f"{store.url}/direct") as pieces:
        assert b"".join(pieces) == b"more"
    assert [token for _, token in service.asked] == ["Bearer t0ken"]
    assert [token for _, token in store.asked] == [None, None]
    with pytest.raises(TransferError, match="an address that is none"), api.download("file:///etc/passwd"):
        pass


def test_an_answer_that_is_cut_off_or_too_long_is_told(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    service.answers = [(200, {"Content-Length": "100", "Connection": "close"}, b"short"), OK]
    with pytest.raises(TransferError, match="was cut off"):
        service.api().get("/x")
    monkeypatch.setattr(client, "DOCUMENT_BYTES", 5)
    with pytest.raises(TransferError, match="is longer than 5 bytes"):
        service.api().get("/x")


def test_an_answer_that_is_no_document_is_told(service: Service) -> None:
    service.answers = [(200, {}, b"<html>"), (200, {}, b"[]"), (401, {}, b'{"errors":[{"title":"unauthorized"}]}')]
    for _ in range(2):
        with pytest.raises(TransferError, match="is no document of an API"):
            service.api().get("/x")
    with pytest.raises(Refused, match="unauthorized"):
        service.api().get("/x")


def test_pages_end_with_the_last_one(service: Service) -> None:
    def page(number: int, following: int | None) -> Answer:
        meta = '{"pagination":{"next-page":%s}}' % ("null" if following is None else following)
        return 200, {}, f'{{"data":[{{"id":"{number}"}}],"meta":{meta}}}'.encode()

    service.answers = [page(1, 2), page(2, 3), page(3, None), page(1, 1), (404, {}, b"")]
    api = service.api()
    assert [each["id"] for each in api.every("/x")] == ["1", "2", "3"]
    # A service that names the same page again, and one without the list.
    assert [each["id"] for each in api.every("/x")] == ["1"]
    assert list(api.every("/x")) == []
