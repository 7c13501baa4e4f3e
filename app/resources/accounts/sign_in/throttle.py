"""Limits how often passwords may be tried, because guessing takes many attempts.

An attempt is registered before its password is checked, and deleted if the password was right. So concurrent attempts
can't pass between counting and registering. An attempt that is refused for coming too soon is not counted, so waiting
always helps.
"""

from datetime import timedelta
from ipaddress import ip_address, ip_network
from typing import Final

from app.models.sign_in import SignInAttempt
from app.persistence.identifiers import identifier
from app.web.throttle import Limit, Throttle

WINDOW: Final = timedelta(minutes=15)
# Limits for a person who has forgotten their password; for guesses at one account from many machines; for guesses at
# many accounts from one machine.
OF_ACCOUNT_AT_ADDRESS: Final = 10
OF_ACCOUNT: Final = 100
OF_ADDRESS: Final = 100

ATTEMPTS: Final = Throttle(
    SignInAttempt,
    WINDOW,
    (
        Limit(("account", "address"), OF_ACCOUNT_AT_ADDRESS),
        Limit(("account",), OF_ACCOUNT),
        Limit(("address",), OF_ADDRESS),
    ),
)
new_attempt_id = identifier("sia")


def address_to_count(address: str | None) -> str:
    """The client's address to count by; for IPv6, the network that a provider gives to one customer."""
    try:
        parsed = ip_address(address or "")
    except ValueError:
        return address or ""
    if parsed.version == 4:  # noqa: PLR2004 - the protocol's
        return str(parsed)
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(ip_network((int(parsed), 64), strict=False))
