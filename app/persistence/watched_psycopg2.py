"""Psycopg2's connections and cursors, which know since when they wait for the server; see ``watching``."""

import time
from typing import Any

import psycopg2  # type: ignore[import-untyped] # the driver has no types
from psycopg2 import extensions


class WatchedConnection(extensions.connection):  # type: ignore[misc] # the driver has no types:
    """Psycopg2's connection, which knows since when it waits for the server."""

    busy_since: float | None = None

    def commit(self) -> None:
        """Commit."""
        self.busy_since = time.monotonic()
        try:
            super().commit()
        finally:
            self.busy_since = None

    def rollback(self) -> None:
        """Roll back."""
        self.busy_since = time.monotonic()
        try:
            super().rollback()
        finally:
            self.busy_since = None


class WatchedCursor(extensions.cursor):  # type: ignore[misc] # the driver has no types:
    """Psycopg2's cursor, whose connection knows since when it waits for the server."""

    def execute(self, *arguments: Any) -> None:  # noqa: ANN401 - the driver's own
        """Execute."""
        connection: Any = self.connection
        connection.busy_since = time.monotonic()
        try:
            super().execute(*arguments)
        finally:
            connection.busy_since = None

    def executemany(self, *arguments: Any) -> None:  # noqa: ANN401 - the driver's own
        """Execute for each."""
        connection: Any = self.connection
        connection.busy_since = time.monotonic()
        try:
            super().executemany(*arguments)
        finally:
            connection.busy_since = None


def connect(*arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - the driver's own
    """Open a connection of this kind."""
    return psycopg2.connect(*arguments, **options, connection_factory=WatchedConnection, cursor_factory=WatchedCursor)
