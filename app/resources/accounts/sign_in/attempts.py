"""Limits how often passwords may be tried, because guessing takes many attempts.

An attempt is noted before its password is checked, and deleted if the password was right. So many attempts at once
can't pass between counting and noting. An attempt that is refused for coming too soon is not noted: waiting always
helps.
"""

import math
from datetime import timedelta
from ipaddress import ip_address, ip_network
from typing import Final

from sqlalchemy import Connection, and_, delete, func, or_, select
from sqlalchemy.orm import Session

from app.models.sign_in import SignInAttempt
from app.persistence import now
from app.web.context import reader, release_reader
from app.web.transaction import transaction

WINDOW: Final = timedelta(minutes=15)
# A person who has forgotten the password; guesses at one account from many machines; at many accounts from one.
OF_ACCOUNT_AT_ADDRESS: Final = 10
OF_ACCOUNT: Final = 100
OF_ADDRESS: Final = 100

_ROW = SignInAttempt.__table__.c


def note(session: Session, account: str, address: str) -> str:
    """Note an attempt, and delete those that no longer count; returns the id of the new one."""
    session.execute(delete(SignInAttempt).where(SignInAttempt.created_at <= now() - WINDOW))
    attempt = SignInAttempt(account=account, address=address)
    session.add(attempt)
    session.flush()
    return attempt.id


def wait(connection: Connection, account: str, address: str) -> timedelta | None:
    """How long to wait before the next attempt, counting the noted one; None if it may be made now."""
    moment = now()
    of_account, of_address = _ROW.account == account, _ROW.address == address
    limits = (
        (and_(of_account, of_address), OF_ACCOUNT_AT_ADDRESS),
        (of_account, OF_ACCOUNT),
        (of_address, OF_ADDRESS),
    )
    columns = [
        column
        for condition, _ in limits
        for column in (func.count().filter(condition), func.min(_ROW.created_at).filter(condition))
    ]
    counts = connection.execute(
        select(*columns).where(or_(of_account, of_address), _ROW.created_at > moment - WINDOW),
    ).one()
    waits = [
        counts[2 * place + 1] + WINDOW - moment for place, (_, limit) in enumerate(limits) if counts[2 * place] > limit
    ]
    return max(waits, default=None)


def noted(account: str, address: str) -> timedelta | None:
    """Note an attempt that is about to be made; how long to wait instead, when there were too many."""
    with transaction() as session:
        attempt = note(session, account, address)
    waiting = wait(reader(), account, address)
    # A hash takes its time, and the connection has other things to do.
    release_reader()
    if waiting is not None:
        with transaction() as session:
            take_back(session, attempt)
    return waiting


def seconds_of(waiting: timedelta) -> int:
    """What a client is told to wait."""
    return max(1, math.ceil(waiting.total_seconds()))


def take_back(session: Session, attempt_id: str) -> None:
    """Delete an attempt whose password was not checked."""
    session.execute(delete(SignInAttempt).where(SignInAttempt.id == attempt_id))


def forgive(session: Session, account: str, address: str) -> None:
    """Delete the attempts of somebody whose password was right in the end."""
    session.execute(delete(SignInAttempt).where(SignInAttempt.account == account, SignInAttempt.address == address))


def place_of(address: str | None) -> str:
    """The address to count by; for IPv6, the network that one customer gets."""
    try:
        parsed = ip_address(address or "")
    except ValueError:
        return address or ""
    if parsed.version == 4:  # noqa: PLR2004 - the protocol's
        return str(parsed)
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(ip_network((int(parsed), 64), strict=False))
