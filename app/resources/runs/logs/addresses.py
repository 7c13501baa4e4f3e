"""Signed addresses of logs, and of the files of a plan or an apply: the address is the permission.

The address of a log is the same for a day, because clients compare documents that they read twice.
"""

from datetime import timedelta
from typing import Final, Literal, NamedTuple

from app.persistence import now
from app.resources.workspaces.state_versions.addresses import AddressNotValid
from app.web.addresses import base_url
from app.web.signatures import NotSigned, read_recently_signed, read_signed, sign, sign_for_a_while

LOGS: Final = "/objects/logs/"
FILES: Final = "/objects/run-files/"
# A file is fetched at once by the client that was sent there.
FILE_LIFETIME: Final = timedelta(minutes=1)
# A log is read until its run is over, which may take a day.
LOG_DAYS: Final = 2
_LOG: Final = "log"
_FILE: Final = "run file"

Part = Literal["plan-json", "plan-json-redacted", "errored-state"]


class FileTicket(NamedTuple):
    """What an address of a file is for: a part of a plan or an apply."""

    phase_id: str
    part: Part


def log_address(phase_id: str) -> str:
    """The absolute address of the log of a plan or an apply."""
    return f"{base_url()}{LOGS}{sign(_LOG, [phase_id, _today() + LOG_DAYS])}"


def verify_log_ticket(ticket: str) -> str:
    """The id of the plan or apply whose log the ticket opens."""
    try:
        phase_id, last_day = read_signed(_LOG, ticket)
    except (NotSigned, TypeError, ValueError):
        raise AddressNotValid from None
    if _today() > last_day:
        raise AddressNotValid
    return str(phase_id)


def file_address(phase_id: str, part: Part) -> str:
    """An absolute address of the file, good for a minute."""
    return f"{base_url()}{FILES}{sign_for_a_while(_FILE, FileTicket(phase_id, part))}"


def verify_file_ticket(ticket: str) -> FileTicket:
    """What the ticket in an address allows access to."""
    try:
        return FileTicket(*read_recently_signed(_FILE, ticket, FILE_LIFETIME))
    except (NotSigned, TypeError):
        raise AddressNotValid from None


def _today() -> int:
    return now().toordinal()
