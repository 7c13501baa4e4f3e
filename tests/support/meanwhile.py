"""What happens between two statements of a request."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count

from flask import Flask
from sqlalchemy import event

from app.persistence.engine import Engines
from app.services import services


@contextmanager
def after_reading(app: Flask, table: str, meanwhile: Callable[[], None]) -> Iterator[None]:
    """Within the block, ``meanwhile`` happens once, as soon as a request has read from the table."""
    engines: Engines = services(app).engines
    is_waiting = True

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        nonlocal is_waiting
        if is_waiting and f"FROM {table} " in statement:
            is_waiting = False
            # In a thread of its own, as it would be: nothing of the first request is shared with it.
            with ThreadPoolExecutor(1) as pool:
                pool.submit(meanwhile).result()

    event.listen(engines.reading, "after_cursor_execute", note)
    try:
        yield
    finally:
        event.remove(engines.reading, "after_cursor_execute", note)
    assert not is_waiting, f"nothing was read from {table}"


@contextmanager
def before_transaction(app: Flask, number: int, meanwhile: Callable[[], None]) -> Iterator[None]:
    """Within the block, ``meanwhile`` happens once: before the transaction of this number, counted from 1, begins."""
    engines: Engines = services(app).engines
    begun = count(1)

    def note(_connection: object) -> None:
        if next(begun) == number:
            with ThreadPoolExecutor(1) as pool:
                pool.submit(meanwhile).result()

    event.listen(engines.writing, "engine_connect", note)
    try:
        yield
    finally:
        event.remove(engines.writing, "engine_connect", note)
    assert next(begun) > number, "there were fewer transactions"
