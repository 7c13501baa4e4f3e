"""What happens between two statements of a request."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from flask import Flask
from sqlalchemy import event

from app.persistence.engine import Engines


@contextmanager
def after_reading(app: Flask, table: str, meanwhile: Callable[[], None]) -> Iterator[None]:
    """Within the block, ``meanwhile`` happens once, as soon as a request has read from the table."""
    engines: Engines = app.extensions["groundplan.engines"]
    is_waiting = True

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        nonlocal is_waiting
        if is_waiting and f"FROM {table} " in statement:
            is_waiting = False
            meanwhile()

    event.listen(engines.reading, "after_cursor_execute", note)
    try:
        yield
    finally:
        event.remove(engines.reading, "after_cursor_execute", note)
    assert not is_waiting, f"nothing was read from {table}"
