"""Writes that a client may send again: the header ``Idempotency-Key`` of the IETF's draft of this name.

A client that gets no answer can't know whether its write was done. With a key it sends the same request again, and gets
the answer that it has missed.

A key is claimed before the write begins, in a transaction of its own, so that of several requests with one key only
one is under way. The answer is committed in the transaction of the change: there is never a change without the answer
to it. If the process dies, the claim ends after a while, and the next request may do the write. An attempt whose claim
was taken over can't commit.
"""

import re
import secrets
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from hashlib import sha256
from io import BytesIO
from typing import Final

import orjson
from flask import Response, request
from sqlalchemy import Connection, and_, delete, or_, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from app.authentication.callers import ANONYMOUS
from app.jsonapi.errors import BadHeader, Conflict, Unprocessable
from app.models.idempotency_keys import IdempotencyKey
from app.persistence import Base, now, upsert
from app.services import services
from app.web.context import caller, release_reader
from app.web.requests import WRITE_METHODS, whole_body
from app.web.transaction import commit_waiting, drop_waiting, wait_for_answer

HEADER: Final = "Idempotency-Key"
REPEATED: Final = "Idempotent-Replayed"
"""The header of an answer that was given before."""
KEPT_FOR: Final = timedelta(hours=24)
# Longer than any write should take. A slower one still has one effect: only the last attempt can commit.
CLAIMED_FOR: Final = timedelta(seconds=60)
# The longest body that any request with a token may have: a state inside a document.
LONGEST_BODY: Final = 32_000_000
# The draft wants a string of structured fields, in quotation marks; most clients leave them out.
KEY: Final = re.compile(r'"?([!#-~]{1,255})"?')
KEPT_HEADERS: Final = ("Content-Type", "Location", "ETag", "Cache-Control")
_KEYS: Final = Base.metadata.tables[IdempotencyKey.__tablename__]


class KeyReused(Unprocessable):
    """The key belongs to another request."""

    code = "idempotency-key-reused"
    detail = "This Idempotency-Key was sent before with another request; use a new key for each new request"


class KeyInUse(Conflict):
    """The first request with the key is not answered yet."""

    code = "idempotency-key-in-use"
    detail = "The first request with this Idempotency-Key is still under way; send it again in a moment"
    seconds: int | None = 1


def is_to_be_kept() -> bool:
    """Whether this is a write whose answer is to be kept."""
    return "HTTP_IDEMPOTENCY_KEY" in request.environ and request.method in WRITE_METHODS


def answer_once(make: Callable[[], Response]) -> Response:
    """The answer that ``make`` gives, or the one that it gave to an earlier request with the same key.

    What fails is not kept: it has changed nothing, and may succeed when it is sent again.
    """
    attempt = Attempt(_given_key(), _fingerprint())
    release_reader()
    if not attempt.claim():
        return attempt.earlier_answer()
    wait_for_answer()
    try:
        answer = make()
        answer.make_sequence()
        if not commit_waiting(lambda session: attempt.keep(session, answer)):
            attempt.end(answer)
    except BaseException:
        drop_waiting()
        # Whatever has failed is what the client is told; without this, the claim ends after a while.
        with suppress(SQLAlchemyError):
            attempt.end(None)
        raise
    return answer


def _given_key() -> str:
    found = KEY.fullmatch(request.headers[HEADER].strip())
    if found is None:
        message = f"{HEADER} must be 1 to 255 visible characters without quotation marks inside"
        raise BadHeader(message, header=HEADER)
    if caller().kind == ANONYMOUS:
        raise BadHeader(f"{HEADER} is only for requests with a token", header=HEADER)
    return found[1]


def _fingerprint() -> str:
    """The digest of what is asked. The body is read, and put back for the view."""
    sent = whole_body(LONGEST_BODY)
    request.stream = BytesIO(sent)
    asked = (request.method, request.full_path, request.mimetype)
    return sha256("\n".join(asked).encode() + b"\n" + sent).hexdigest()


class Attempt:
    """One request with a key."""

    def __init__(self, key: str, fingerprint: str) -> None:
        who = caller()
        self.place = {"caller": who.token_id or f"{who.type}/{who.id}", "key": key}
        self.fingerprint = fingerprint
        self.id = secrets.token_hex(16)
        self._is_row = and_(*(_KEYS.c[name] == value for name, value in self.place.items()))
        self._is_mine = and_(self._is_row, _KEYS.c.attempt == self.id, _KEYS.c.sealed_answer.is_(None))

    def claim(self) -> bool:
        """Take the key, if it is new, has expired, or belongs to an attempt that has taken too long."""
        moment = now()
        row = {
            "fingerprint": self.fingerprint,
            "attempt": self.id,
            "claimed_until": moment + CLAIMED_FOR,
            "expires_at": moment + KEPT_FOR,
            "sealed_answer": None,
        }
        is_left = and_(_KEYS.c.sealed_answer.is_(None), _KEYS.c.claimed_until <= moment)
        statement = (
            upsert(_KEYS)
            .values(**self.place, **row)
            .on_conflict_do_update(
                index_elements=list(self.place), set_=row, where=or_(_KEYS.c.expires_at <= moment, is_left)
            )
            .returning(_KEYS.c.attempt)
        )
        with services().engines.writing.begin() as connection:
            return connection.execute(statement).one_or_none() is not None

    def earlier_answer(self) -> Response:
        """The answer to the request that has the key; an error while there is none, or if it was another request."""
        wanted = select(_KEYS.c.fingerprint, _KEYS.c.sealed_answer).where(self._is_row)
        with services().engines.reading.connect() as connection:
            row = connection.execute(wanted).one_or_none()
        if row is not None and row.fingerprint != self.fingerprint:
            raise KeyReused
        if row is None or row.sealed_answer is None:
            raise KeyInUse
        head, _, body = services().keyring.unseal(row.sealed_answer).partition(b"\n")
        status, headers = orjson.loads(head)
        answer = Response(body, status)
        # An answer without content must not have a type.
        del answer.headers["Content-Type"]
        answer.headers.update(headers)
        answer.headers[REPEATED] = "true"
        return answer

    def keep(self, session: Session | Connection, answer: Response) -> None:
        """Write the answer; refuses if another attempt has taken the key, so that what it did is rolled back."""
        headers = {name: answer.headers[name] for name in KEPT_HEADERS if name in answer.headers}
        content = orjson.dumps([answer.status_code, headers]) + b"\n" + answer.get_data()
        sealed = services().keyring.seal(content)
        written = update(_KEYS).where(self._is_mine).values(sealed_answer=sealed, expires_at=now() + KEPT_FOR)
        if session.execute(written.returning(_KEYS.c.attempt)).one_or_none() is None:
            raise KeyInUse

    def end(self, answer: Response | None) -> None:
        """Keep an answer that no transaction belongs to, if it is a success; else give the key back."""
        release_reader()
        with services().engines.writing.begin() as connection:
            if answer is not None and answer.status_code < 400:  # noqa: PLR2004 - a success
                self.keep(connection, answer)
            else:
                connection.execute(delete(_KEYS).where(self._is_mine))
