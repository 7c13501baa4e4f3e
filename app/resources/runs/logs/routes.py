"""Logs, and the files of plans and applies, at addresses that need no token."""

from typing import Final

from flask import Blueprint, Response, request

from app.jsonapi.errors import BadParameter, NotFound
from app.resources.runs.logs.addresses import FILES, LOGS, verify_file_ticket, verify_log_ticket
from app.resources.runs.logs.files import stored_file
from app.resources.runs.logs.reading import find_phase, read_log
from app.services import services
from app.web.context import reader
from app.web.guard import describes, open_to_all

blueprint = Blueprint("logs", __name__)

TEXT: Final = "text/plain; charset=utf-8"
DEFAULT_LIMIT: Final = 64 * 1024
MAXIMUM_LIMIT: Final = 1024 * 1024
MAXIMUM_OFFSET: Final = 2**40
BYTES: Final = {"type": "string", "format": "binary"}


@blueprint.get(f"{LOGS}<ticket>")
@open_to_all
@describes(
    answer={**BYTES, "contentMediaType": "text/plain"},
    parameters=[
        ("limit", f"How many bytes, at most {MAXIMUM_LIMIT}; {DEFAULT_LIMIT} without it"),
        ("offset", "The first byte, counted with the mark at the beginning; 0 without it"),
    ],
    errors=(400, 403),
)
def read_run_log(ticket: str) -> Response:
    """Read the log of a plan or an apply. It begins with STX, and ends with ETX once it is complete.

    An empty answer means that there is nothing yet: ask again with the same offset.
    """
    phase_id = verify_log_ticket(ticket)
    offset = _number("offset", 0, MAXIMUM_OFFSET)
    limit = min(_number("limit", DEFAULT_LIMIT, MAXIMUM_OFFSET), MAXIMUM_LIMIT)
    phase = find_phase(reader(), phase_id)
    if phase is None:
        raise NotFound
    return Response(read_log(reader(), phase, offset, limit), content_type=TEXT)


@blueprint.get(f"{FILES}<ticket>")
@open_to_all
@describes(answer=BYTES, errors=(403,))
def download_run_file(ticket: str) -> Response:
    """Download a plan as JSON, or the state that an apply could not store. The address is the permission."""
    wanted = verify_file_ticket(ticket)
    stored = stored_file(reader(), wanted)
    return Response(services().vault.open(*stored), content_type="application/json")


def _number(name: str, default: int, maximum: int) -> int:
    text = request.args.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit()) or len(text) > len(str(maximum)) or int(text) > maximum:
        raise BadParameter(f"{name} must be a whole number from 0 to {maximum}", parameter=name)
    return int(text)
