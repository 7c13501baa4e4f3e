"""Addresses that allow whoever has them to upload or download one object, for a while.

The terraform CLI uploads without a token, so the address itself is the secret. It names a version and a part of it, is
signed, and expires. An address for uploading does not allow downloading, nor the other way round.
"""

import hashlib
from typing import Final, Literal

from flask import request
from itsdangerous import BadData, URLSafeTimedSerializer

from app.jsonapi.errors import Forbidden
from app.services import services

Part = Literal["state", "json-state"]
Direction = Literal["upload", "download"]

# Longer than the longest apply that anybody waits for; a download may be passed on for a day.
LIFETIME: Final = 25 * 60 * 60
PREFIX: Final = "/objects/"


class AddressNotValid(Forbidden):
    """The address was changed, was made for something else, or has expired."""

    code = "address-not-valid"
    detail = "The address is not valid or has expired"


def signed_address(direction: Direction, version_id: str, part: Part) -> str:
    """An absolute address for one part of the version, in one direction."""
    return f"{request.host_url.rstrip('/')}{PREFIX}{_signer(direction).dumps([version_id, part])}"


def verify_ticket(direction: Direction, ticket: str) -> tuple[str, Part]:
    """What the ticket in an address allows: the version, and which part of it."""
    try:
        version_id, part = _signer(direction).loads(ticket, max_age=LIFETIME)
    except BadData:
        raise AddressNotValid from None
    return version_id, part


def _signer(direction: Direction) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(
        services().settings.secret_key,
        salt=f"groundplan object {direction}",
        signer_kwargs={"digest_method": hashlib.sha256, "key_derivation": "hmac"},
    )
