"""Requests to addresses of users: where they may go, and what hostile receivers can do."""

import socket
import ssl
import threading
import time
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

from app import outbound
from app.outbound import (
    AddressInvalid,
    AddressRefused,
    Answer,
    OutboundError,
    TooSlow,
    Unreachable,
    is_allowed,
    is_public,
    post,
)
from tests.support.certificates import write_certificate
from tests.support.receivers import HOST, Talk, drip, drip_body, hang, hostile, receiving, resolving, talk_nonsense

LOCAL = (ip_network(f"{HOST}/32"),)
SOON = 0.5


def send(url: str, seconds: float = 5) -> Answer:
    return post(url, b'{"a": 1}', {"Content-Type": "application/json", "X-Own": "1"}, LOCAL, seconds=seconds)


def test_a_request_arrives_as_it_was_sent() -> None:
    with receiving() as receiver:
        receiver.headers = {"X-Answer": "yes"}
        answer = send(f"{receiver.url}?a=b")
    assert (answer.status, answer.body, dict(answer.headers)["X-Answer"]) == (200, b"thanks", "yes")
    [received] = receiver.requests
    assert (received.path, received.json) == ("/hook?a=b", {"a": 1})
    assert received.headers["host"] == f"{HOST}:{receiver.port}"
    assert received.headers["x-own"] == "1"
    assert received.headers["user-agent"] == "Groundplan"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("93.184.215.14", True),
        ("2606:4700::1111", True),
        ("127.0.0.1", False),
        ("127.8.8.8", False),
        ("0.0.0.0", False),  # noqa: S104 - an address to refuse
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.0.1", False),
        ("100.100.100.200", False),
        ("169.254.169.254", False),
        ("168.63.129.16", False),
        ("192.0.0.192", False),
        ("224.0.0.1", False),
        ("240.0.0.1", False),
        ("255.255.255.255", False),
        ("::", False),
        ("::1", False),
        ("fe80::1", False),
        ("fd00:ec2::254", False),
        ("ff02::1", False),
        ("4000::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:93.184.215.14", True),
        ("64:ff9b::a9fe:a9fe", False),
        ("64:ff9b::5db8:d70e", True),
        ("2002:7f00:1::", False),
        ("2001:0:53aa:64c:0:0:80ff:fffe", False),
    ],
)
def test_what_is_public(text: str, expected: bool) -> None:  # noqa: FBT001 - a column of the table
    assert is_public(ip_address(text)) is expected
    assert is_allowed(ip_address(text), (ip_network("0.0.0.0/0"), ip_network("::/0"))) is True


def test_a_network_that_is_allowed_allows_no_other() -> None:
    allowed = (ip_network("10.0.0.0/8"),)
    assert is_allowed(ip_address("10.1.2.3"), allowed)
    assert is_allowed(ip_address("::ffff:10.1.2.3"), allowed)
    assert not is_allowed(ip_address("192.168.0.1"), allowed)


@pytest.mark.parametrize(
    "host", ["127.0.0.2", "localhost", "2130706434", "0x7f.2", "[::1]", "[::ffff:127.0.0.2]", "169.254.169.254"]
)
def test_hosts_within_are_not_connected_to(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbound, "create_connection", lambda *_: pytest.fail("connected"))
    with pytest.raises(AddressRefused), resolving(monkeypatch, localhost=["127.0.0.2"]):
        send(f"http://{host}:1/")


def test_the_address_that_was_checked_is_the_one_that_is_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    with receiving() as receiver, resolving(monkeypatch, hook_test=[HOST, "127.0.0.2"]) as asked:
        assert send(f"http://hook.test:{receiver.port}/").status == 200
        assert asked == ["hook.test"]
        assert receiver.requests[0].headers["host"] == f"hook.test:{receiver.port}"
        with pytest.raises(AddressRefused):
            send(f"http://hook.test:{receiver.port}/")
    assert len(receiver.requests) == 1


def test_redirects_are_answers() -> None:
    with receiving() as receiver, receiving() as other:
        receiver.statuses, receiver.headers = [307], {"Location": other.url}
        answer = send(receiver.url)
    assert (answer.status, answer.is_success, other.requests) == (307, False, [])


@pytest.mark.parametrize("talk", [hang, drip])
def test_who_takes_too_long_is_left(talk: Talk) -> None:
    with hostile(talk) as url:
        begun = time.monotonic()
        with pytest.raises(TooSlow, match=r"within 0\.5 seconds"):
            send(url, SOON)
        assert time.monotonic() - begun < SOON + 1


def test_an_answer_counts_before_its_body_ends() -> None:
    with hostile(drip_body) as url:
        begun = time.monotonic()
        assert send(url, SOON).status == 200
        assert time.monotonic() - begun < SOON + 1


def test_a_long_answer_is_cut() -> None:
    with receiving() as receiver:
        receiver.body = b"x" * 10_000_000
        assert len(send(receiver.url).body) == outbound.ANSWER_BYTES


def test_other_protocols_are_no_answer() -> None:
    with hostile(talk_nonsense) as url, pytest.raises(Unreachable, match="no HTTP answer"):
        send(url)


def test_a_closed_port_and_an_unknown_name(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server((HOST, 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(Unreachable, match="takes no connection"):
        send(f"http://{HOST}:{port}/")

    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror

    monkeypatch.setattr(outbound, "getaddrinfo", unknown)
    with pytest.raises(Unreachable, match="can't be resolved"):
        send("https://hook.invalid/")


def test_a_resolver_that_hangs_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()
    monkeypatch.setattr(outbound, "getaddrinfo", lambda *_, **__: [over.wait(20)][1:])
    with pytest.raises(TooSlow, match="resolved in time"):
        send("https://hook.invalid/", SOON)
    over.set()


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("ftp://example.com/", "must begin with"),
        ("https:///path", "must begin with"),
        ("example.com", "must begin with"),
        ("https://user:secret@example.com/", "must not contain a user name"),
        ("https://example.com:99999/", "is not a valid address"),
        ("https://[::1/", "is not a valid address"),
        ("https://exämple.com/", "must have ASCII characters only"),
        ("https://example.com/a b", "must have ASCII characters only"),
        ("https://example.com/\r\nX-Own: 2", "must have ASCII characters only"),
    ],
)
def test_bad_addresses(url: str, said: str) -> None:
    with pytest.raises(AddressInvalid, match=said) as caught:
        send(url)
    assert "secret" not in str(caught.value)


def test_tls_needs_a_certificate_for_the_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, key = write_certificate(tmp_path, HOST)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file, key)

    def greet(connection: socket.socket, _over: threading.Event) -> None:
        with context.wrap_socket(connection, server_side=True) as secure:
            received = b""
            while not received.endswith(b"}"):
                received += secure.recv(4096)
            secure.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

    with hostile(greet) as url:
        address = url.replace("http:", "https:")
        with pytest.raises(Unreachable, match="certificate is not valid"):
            send(address)
        monkeypatch.setenv("SSL_CERT_FILE", file)
        assert send(address).status == 204
        with resolving(monkeypatch, hook_test=[HOST]), pytest.raises(OutboundError, match="certificate"):
            send(address.replace(HOST, "hook.test"))
