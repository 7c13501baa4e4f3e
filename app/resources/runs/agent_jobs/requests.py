"""What an agent sends with its requests: plain JSON, and numbers in the address."""

from typing import Any, Final

from flask import request

from app.jsonapi.body import read_json
from app.jsonapi.errors import BadParameter, Unprocessable
from app.web.requests import sent_pieces

JOB: Final = "/jobs/<job_id>"
JSON: Final = {"type": "object"}
FENCE: Final = [("fence", "The number that came with the job; another one means that the job is lost")]
MAXIMUM: Final = 2**40


def sent_fence() -> int:
    """The number that came with the job."""
    return sent_number("fence")


def sent_number(name: str) -> int:
    """A parameter that is a whole number."""
    text = request.args.get(name, "")
    if not (text.isascii() and text.isdigit()) or len(text) > len(str(MAXIMUM)) or int(text) > MAXIMUM:
        raise BadParameter(f"{name} must be a whole number", parameter=name)
    return int(text)


def sent_document(limit: int) -> dict[str, Any]:
    """The object in the body."""
    sent = read_json(b"".join(sent_pieces(limit)))
    if not isinstance(sent, dict):
        raise Unprocessable("The document must be an object", pointer="")
    return sent
