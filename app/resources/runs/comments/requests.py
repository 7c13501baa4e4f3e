"""The comment that comes with an action on a run: a plain object, not a JSON:API document."""

from typing import Final

from app.jsonapi.errors import InvalidAttribute, Unprocessable
from app.web.requests import optional_body

COMMENT_LENGTH: Final = 10_000
COMMENT_BODY: Final = {
    "type": "object",
    "properties": {"comment": {"type": ["string", "null"], "maxLength": COMMENT_LENGTH}},
}


def sent_comment() -> str | None:
    """The comment of an action; None if there is none."""
    sent = optional_body()
    if not isinstance(sent, dict):
        raise Unprocessable("The document must be an object", pointer="")
    comment = sent.get("comment")
    if comment is not None and not isinstance(comment, str):
        raise InvalidAttribute("Comment must be a string", pointer="/comment")
    if comment is not None and len(comment) > COMMENT_LENGTH:
        raise InvalidAttribute(f"Comment is too long (maximum is {COMMENT_LENGTH} characters)", pointer="/comment")
    return comment
