"""Signed addresses to upload a configuration to: the address is the permission, because clients send no token there."""

from datetime import timedelta
from typing import Final, NamedTuple

from app.resources.workspaces.state_versions.addresses import AddressNotValid
from app.web.addresses import base_url
from app.web.context import caller
from app.web.signatures import NotSigned, read_recently_signed, sign_by_the_hour

PREFIX: Final = "/objects/configurations/"
LIFETIME: Final = timedelta(hours=25)
_PURPOSE: Final = "configuration upload"


class Ticket(NamedTuple):
    """What an address is for, and the token of the caller who got it: it ends with their right to plan."""

    version_id: str
    token_id: str | None


def upload_address(version_id: str) -> str:
    """An absolute address that takes the archive of the version."""
    return f"{base_url()}{PREFIX}{sign_by_the_hour(_PURPOSE, Ticket(version_id, caller().token_id))}"


def verify_ticket(ticket: str) -> Ticket:
    """What the ticket in an address allows access to."""
    try:
        return Ticket(*read_recently_signed(_PURPOSE, ticket, LIFETIME))
    except (NotSigned, TypeError):
        raise AddressNotValid from None
