"""Requests to addresses that users name: webhooks of notifications and run tasks.

Such an address may be meant to reach what only this host can reach. So a name is resolved once, its addresses are
checked, and the connection goes to a checked address: a name that later stands for another one changes nothing.
Redirects are not followed. Every wait and every answer has an end.
"""

import http.client
import ssl
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from socket import SHUT_RDWR, SOCK_STREAM, create_connection, getaddrinfo, socket
from typing import Final
from urllib.parse import urlsplit

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

TOTAL_SECONDS: Final = 10.0
CONNECT_SECONDS: Final = 5.0
ANSWER_BYTES: Final = 64 * 1024
# How many addresses of one name are tried.
ADDRESSES: Final = 4
AGENT: Final = "Groundplan"
PORTS: Final = {"http": 80, "https": 443}
_GLOBAL_UNICAST: Final = IPv6Network("2000::/3")
_NAT64: Final = IPv6Network("64:ff9b::/96")
# Among public addresses, those at which Oracle's cloud and Azure tell virtual machines about themselves.
_METADATA: Final = (IPv4Network("192.0.0.0/24"), IPv4Network("168.63.129.16/32"))


class OutboundError(Exception):
    """No answer came. The text can be shown to whoever named the address."""


class AddressInvalid(OutboundError):
    """The text is no address that a request can go to."""


class AddressRefused(OutboundError):
    """The host has no address that the service may connect to."""


class Unreachable(OutboundError):
    """The host is unknown, takes no connection, or does not speak HTTP."""


class TooSlow(OutboundError):
    """The host did not answer in time."""


@dataclass(frozen=True, slots=True)
class Target:
    """The parts of an address."""

    scheme: str
    host: str
    port: int
    path: str


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer of a host; its body is cut at ``ANSWER_BYTES``."""

    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes

    @property
    def is_success(self) -> bool:
        """Whether the status says that the request was accepted. A redirect does not."""
        return 200 <= self.status < 300  # noqa: PLR2004 - the statuses of success


def parse(url: str) -> Target:
    """The parts of the address; ``AddressInvalid`` says what is wrong with it."""
    if not url.isascii() or not url.isprintable() or " " in url:
        raise AddressInvalid("must have ASCII characters only, without blanks")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise AddressInvalid("is not a valid address") from None
    if parts.scheme not in PORTS or not parts.hostname:
        raise AddressInvalid("must begin with http:// or https:// and a host")
    if parts.username is not None or parts.password is not None:
        raise AddressInvalid("must not contain a user name or a password")
    path = parts.path or "/"
    return Target(
        parts.scheme,
        parts.hostname,
        PORTS[parts.scheme] if port is None else port,
        f"{path}?{parts.query}" if parts.query else path,
    )


def is_public(address: Address) -> bool:
    """Whether the address is one of the internet, and none of this host, its networks or its cloud."""
    if isinstance(address, IPv6Address):
        embedded = _embedded(address)
        if embedded is not None:
            return is_public(embedded)
        return address in _GLOBAL_UNICAST and address.is_global
    return address.is_global and not address.is_multicast and not any(address in each for each in _METADATA)


def is_allowed(address: Address, private: Sequence[Network]) -> bool:
    """Whether the service may connect to the address; ``private`` are the networks that the operator allows."""
    embedded = _embedded(address) if isinstance(address, IPv6Address) else None
    return is_public(address) or any(each in network for network in private for each in (address, embedded or address))


def _embedded(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that a connection to this one leads to, if it is made so."""
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    if address.teredo is not None:
        return address.teredo[1]
    return address.ipv4_mapped or address.sixtofour


def post(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    private: Sequence[Network],
    *,
    seconds: float = TOTAL_SECONDS,
) -> Answer:
    """Send the body, and wait for the answer at most this long; raises ``OutboundError`` if none came."""
    target = parse(url)
    deadline = _Deadline(time.monotonic() + seconds)
    allowed = [each for each in _resolve(target, deadline) if is_allowed(each, private)]
    if not allowed:
        raise AddressRefused(
            "the host has no public address; the operator can allow private ones by GROUNDPLAN_OUTBOUND_PRIVATE"
        )
    try:
        with _connected(target, allowed[:ADDRESSES], deadline) as connection:
            connection.request("POST", target.path, body, {"User-Agent": AGENT, **headers})
            response = connection.getresponse()
            if deadline.is_over:
                # Its head was cut by the end of the connection.
                raise TimeoutError
            return _read(response)
    except (OSError, http.client.HTTPException) as error:
        if deadline.is_over or isinstance(error, TimeoutError):
            raise TooSlow(f"the host did not answer within {seconds:g} seconds") from None
        reason = "its certificate is not valid" if isinstance(error, ssl.SSLCertVerificationError) else "no HTTP answer"
        raise Unreachable(f"the host could not be reached ({reason})") from None


def _read(response: http.client.HTTPResponse) -> Answer:
    body = b""
    # The host has answered; that the rest comes too slowly, or not at all, does not matter.
    with suppress(OSError, http.client.HTTPException):
        body = response.read(ANSWER_BYTES)
    return Answer(response.status, response.getheaders(), body)


@dataclass(slots=True)
class _Deadline:
    """The end of a request: it also ends waiting that each byte from the host would prolong."""

    moment: float
    is_over: bool = field(default=False, init=False)
    _socket: socket | None = field(default=None, init=False)

    @property
    def left(self) -> float:
        return max(0.01, self.moment - time.monotonic())

    def watch(self, connected: socket) -> None:
        self._socket = connected

    def end(self) -> None:
        self.is_over = True
        if self._socket is not None:
            with suppress(OSError):
                # The method of the class: that of a TLS socket would forget what another thread is reading from.
                socket.shutdown(self._socket, SHUT_RDWR)


def _resolve(target: Target, deadline: _Deadline) -> list[Address]:
    found: list[Address] = []

    def look_up() -> None:
        with suppress(OSError, UnicodeError):
            for *_, place in getaddrinfo(target.host, target.port, type=SOCK_STREAM):
                found.append(ip_address(str(place[0]).partition("%")[0]))

    # The resolver takes no limit, so it is left behind if it takes too long.
    thread = threading.Thread(target=look_up, name="resolver", daemon=True)
    thread.start()
    thread.join(min(CONNECT_SECONDS, deadline.left))
    if thread.is_alive():
        raise TooSlow("the name of the host could not be resolved in time")
    if not found:
        raise Unreachable("the name of the host can't be resolved")
    return list(dict.fromkeys(found))


@contextmanager
def _connected(
    target: Target, addresses: Sequence[Address], deadline: _Deadline
) -> Iterator[http.client.HTTPConnection]:
    raw = _dial(addresses, target.port, deadline)
    timer = threading.Timer(deadline.left, deadline.end)
    timer.daemon = True
    timer.start()
    connected = raw
    try:
        deadline.watch(connected)
        raw.settimeout(deadline.left)
        if target.scheme == "https":
            context = ssl.create_default_context()
            # It takes the connection over from the raw socket before it begins to speak.
            connected = context.wrap_socket(raw, server_hostname=target.host, do_handshake_on_connect=False)
            deadline.watch(connected)
            connected.do_handshake()
            connection: http.client.HTTPConnection = http.client.HTTPSConnection(
                target.host, target.port, context=context
            )
        else:
            connection = http.client.HTTPConnection(target.host, target.port)
        # It uses this connection, and makes none of its own.
        connection.sock = connected
        yield connection
    finally:
        timer.cancel()
        connected.close()


def _dial(addresses: Sequence[Address], port: int, deadline: _Deadline) -> socket:
    for address in addresses:
        with suppress(OSError):
            return create_connection((str(address), port), min(CONNECT_SECONDS, deadline.left))
    raise Unreachable("the host takes no connection")
