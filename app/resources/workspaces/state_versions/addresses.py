"""Signed addresses: anyone who has one may upload or download one object until it expires.

The terraform CLI uploads without a token, so the address itself is the secret. It names a version and a part of it. An
address for uploading does not allow downloading, nor the other way round. It also names the token of the caller who got
it, so that it ends with their right to store states.
"""

from datetime import timedelta
from typing import Final, Literal, NamedTuple

from app.jsonapi.errors import Forbidden
from app.web.addresses import base_url
from app.web.context import caller
from app.web.signatures import NotSigned, read_recently_signed, sign_by_the_hour

Part = Literal["state", "json-state"]
Direction = Literal["upload", "download"]

# Longer than any apply, and long enough to pass a download address on for a day. Up to an hour of it is over already:
# the address is the same for an hour.
LIFETIME: Final = timedelta(hours=25)
PREFIX: Final = "/objects/"


class AddressNotValid(Forbidden):
    """The address was changed, was made for something else, or has expired."""

    code = "address-not-valid"
    detail = "The address is not valid or has expired"


class Ticket(NamedTuple):
    """What an address is for."""

    version_id: str
    part: Part
    token_id: str | None
    """The token of the caller who got the address."""


def signed_address(direction: Direction, version_id: str, part: Part) -> str:
    """An absolute address for one part of the version, in one direction."""
    ticket = Ticket(version_id, part, caller().token_id)
    return f"{base_url()}{PREFIX}{sign_by_the_hour(_purpose(direction), ticket)}"


def verify_ticket(direction: Direction, ticket: str) -> Ticket:
    """What the ticket in an address allows access to."""
    try:
        members = read_recently_signed(_purpose(direction), ticket, LIFETIME)
        if direction == "download" and len(members) == len(Ticket._fields) - 1:
            # An address of a release that named no token. A download asks for none.
            members = [*members, None]
        return Ticket(*members)
    except (NotSigned, TypeError):
        raise AddressNotValid from None


def _purpose(direction: Direction) -> str:
    return f"object {direction}"
