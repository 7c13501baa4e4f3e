"""Doing one task: the outside work, then the transaction that removes the task; or the next attempt."""

import logging
from pathlib import Path
from traceback import extract_tb
from typing import Final

from flask import Flask
from sqlalchemy.exc import DBAPIError

from app.models.background_tasks import PermanentError, RetryLaterError
from app.persistence import is_transient
from app.services import services
from app.web.context import act_as_service
from app.web.tracing import traced
from app.web.transaction import transaction
from app.worker.claims import Claim, LeaseLostError, put_off, remove
from app.worker.handling import Finish, Handler

logger = logging.getLogger(__name__)

# How often the transaction that removes the task is tried: what was done outside is not to be done again for it.
TRANSACTIONS: Final = 3
LONGEST_TEXT: Final = 500
# A receiver may ask for a pause, and not for ever.
LONGEST_WISH_SECONDS: Final = 24 * 60 * 60


def perform(app: Flask, handler: Handler, claimed: Claim) -> None:
    """Do the task, and note what came of it."""
    task = claimed.task
    with app.app_context(), traced(app, f"task {task.kind}"):
        act_as_service()
        try:
            if claimed.every_seconds is None and task.attempt > handler.attempts:
                raise PermanentError(f"Each of {handler.attempts} workers ended while it did this")  # noqa: TRY301
            _finish(handler.perform(task), claimed)
        except LeaseLostError:
            logger.warning("%s %s: the lease was lost; what it would change is dropped", task.kind, task.id)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is noted at the task
            _fail(handler, claimed, error)


def _finish(finish: Finish | None, claimed: Claim) -> None:
    for tries_left in reversed(range(TRANSACTIONS)):
        try:
            with transaction() as session:
                if finish is not None:
                    finish(session)
                session.flush()
                remove(session, claimed)
        except DBAPIError as error:
            if not tries_left or not is_transient(error):
                raise
        else:
            return


def _fail(handler: Handler, claimed: Claim, error: Exception) -> None:
    task = claimed.task
    seconds: float | None = handler.pause(task.attempt)
    assert seconds is not None
    if isinstance(error, RetryLaterError):
        seconds = max(seconds, min(error.seconds, LONGEST_WISH_SECONDS))
    if claimed.every_seconds is not None:
        # What is done again and again never dies.
        seconds = min(seconds, claimed.every_seconds)
    elif isinstance(error, PermanentError) or task.attempt >= handler.attempts:
        seconds = None
    text = describe(error)
    with services().engines.writing.begin() as connection:
        is_ours = put_off(connection, claimed, text, seconds)
    if is_ours:
        level = logging.ERROR if seconds is None else logging.WARNING
        outcome = "it is dead" if seconds is None else f"again in {seconds:.0f} seconds"
        logger.log(level, "%s %s, attempt %d: %s (%s)", task.kind, task.id, task.attempt, text, outcome)


def describe(error: Exception) -> str:
    """What went wrong, without secrets: the text of an error of ours, or else its kind and the place in the code.

    The text of any other error may quote an address, a message, or an answer.
    """
    if isinstance(error, PermanentError | RetryLaterError):
        return str(error)[:LONGEST_TEXT]
    place = extract_tb(error.__traceback__)[-1:]
    return f"{type(error).__name__} in {Path(place[0].filename).name}, line {place[0].lineno}" if place else ""
