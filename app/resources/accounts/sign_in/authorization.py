"""Authorization requests of clients, by OAuth 2 and PKCE (RFC 6749, 7636, 8252)."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol
from urllib.parse import urlencode

CLIENT: Final = "terraform-cli"
FIRST_PORT, LAST_PORT = 10_000, 10_010
GRANT: Final = "authorization_code"
RESPONSE: Final = "code"
METHOD: Final = "S256"
STATE_LENGTH: Final = 512
# The terraform CLI listens on the user's own machine, only at this address.
LOOPBACK: Final = re.compile(r"(?P<origin>http://(?:localhost|127\.0\.0\.1):(?P<port>[1-9][0-9]{4}))/login", re.ASCII)
# SHA-256 in base64url always has this length.
CHALLENGE: Final = re.compile("[A-Za-z0-9_-]{43}")
VERIFIER: Final = re.compile("[A-Za-z0-9._~-]{43,128}")


class Parameters(Protocol):
    """A query string or a form."""

    def getlist(self, key: str, /) -> Sequence[str]:
        """Every value with the name."""


class InvalidClient(ValueError):
    """The client, or the address for the answer, is unknown; nothing may be sent there."""


class InvalidRequest(ValueError):
    """The request is refused, and the error is sent to the client's address."""

    def __init__(self, redirect_uri: str, state: str | None, error: str, description: str) -> None:
        """``error`` is OAuth's name for the error, ``description`` a sentence for people."""
        super().__init__(description)
        members = {"error": error, "error_description": description}
        self.location = with_query(redirect_uri, members if state is None else {**members, "state": state})


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """A request that can be granted."""

    redirect_uri: str
    state: str
    code_challenge: str

    @property
    def query(self) -> str:
        """The request as the query string of an address."""
        return urlencode(
            {
                "client_id": CLIENT,
                "redirect_uri": self.redirect_uri,
                "response_type": RESPONSE,
                "state": self.state,
                "code_challenge": self.code_challenge,
                "code_challenge_method": METHOD,
            },
        )

    @property
    def origin(self) -> str:
        """The origin at which the client listens."""
        found = LOOPBACK.fullmatch(self.redirect_uri)
        assert found is not None
        return found["origin"]

    def granted(self, code: str) -> str:
        """The client's address with the code."""
        return with_query(self.redirect_uri, {"code": code, "state": self.state})

    def denied(self) -> InvalidRequest:
        """The error for a request that the user has denied."""
        return InvalidRequest(self.redirect_uri, self.state, "access_denied", "The user did not allow it")


def parse_authorization_request(parameters: Parameters) -> AuthorizationRequest:
    """The request in the query string; raises ``InvalidClient`` or ``InvalidRequest`` if it can't be granted."""
    if single_value(parameters, "client_id") != CLIENT:
        raise InvalidClient(f"The client_id must be {CLIENT}.")
    redirect_uri = single_value(parameters, "redirect_uri") or ""
    if not is_loopback(redirect_uri):
        raise InvalidClient(
            f"The redirect_uri must be http://localhost:PORT/login with a port from {FIRST_PORT} to {LAST_PORT}.",
        )
    state = single_value(parameters, "state")
    if not state or len(state) > STATE_LENGTH:
        raise InvalidRequest(
            redirect_uri, None, "invalid_request", f"state is needed once, with up to {STATE_LENGTH} characters"
        )
    response = single_value(parameters, "response_type")
    if response is None:
        raise InvalidRequest(redirect_uri, state, "invalid_request", "response_type is needed once")
    if response != RESPONSE:
        raise InvalidRequest(redirect_uri, state, "unsupported_response_type", f"response_type must be {RESPONSE}")
    if single_value(parameters, "code_challenge_method") != METHOD:
        raise InvalidRequest(redirect_uri, state, "invalid_request", f"code_challenge_method must be {METHOD}")
    challenge = single_value(parameters, "code_challenge") or ""
    if not CHALLENGE.fullmatch(challenge):
        raise InvalidRequest(redirect_uri, state, "invalid_request", "code_challenge must be a SHA-256 in base64url")
    return AuthorizationRequest(redirect_uri, state, challenge)


def is_loopback(address: str) -> bool:
    """Whether this can be the address at which the terraform CLI listens."""
    found = LOOPBACK.fullmatch(address)
    return found is not None and FIRST_PORT <= int(found["port"]) <= LAST_PORT


def single_value(parameters: Parameters, name: str) -> str | None:
    """The one value of the parameter; None if there is none, or more than one, which OAuth forbids."""
    values = parameters.getlist(name)
    return values[0] if len(values) == 1 else None


def with_query(address: str, members: Mapping[str, str]) -> str:
    """The address with ``members`` as its query string."""
    return f"{address}?{urlencode(members)}"
