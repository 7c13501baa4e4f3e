"""Limits how often passwords may be tried, because guessing takes many attempts.

An attempt is registered before its password is checked, and deleted if the password was right. So many attempts at once
can't pass between counting and registering. An attempt that is refused for coming too soon is not counted: waiting
always helps.
"""

from datetime import timedelta
from ipaddress import ip_address, ip_network
from typing import Final

from app.models.sign_in import SignInAttempt
from app.persistence.identifiers import identifier
from app.web.context import reader, release_reader
from app.web.throttle import Limit, Throttle
from app.web.transaction import transaction

WINDOW: Final = timedelta(minutes=15)
# A person who has forgotten the password; guesses at one account from many machines; at many accounts from one.
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
_new_id = identifier("sia")


def seconds_to_wait(account: str, address: str) -> int:
    """Register an attempt that is about to be made; how long to wait instead, if there were too many, else 0."""
    attempt = {"id": _new_id(), "account": account, "address": address}
    with transaction() as session:
        ATTEMPTS.register(session, [attempt])
    seconds = ATTEMPTS.delay(reader(), [attempt], registered=1)
    # A hash takes its time, and the connection has other things to do.
    release_reader()
    if seconds:
        with transaction() as session:
            ATTEMPTS.undo(session, id=attempt["id"])
    return seconds


def address_to_count(address: str | None) -> str:
    """The client's address to count by; for IPv6, the network that one customer gets."""
    try:
        parsed = ip_address(address or "")
    except ValueError:
        return address or ""
    if parsed.version == 4:  # noqa: PLR2004 - the protocol's
        return str(parsed)
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(ip_network((int(parsed), 64), strict=False))
