"""``db``, the Flask-SQLAlchemy object: it holds the engines of each application, the metadata and the sessions."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import make_url
from sqlalchemy.orm import Session

from app.persistence.base import Base
from app.persistence.engine import (
    COMMON_OPTIONS,
    Engines,
    create_sqlite_file,
    listen_to_sqlite,
    reading_options,
    replace_stale_connections,
    watch_postgresql,
    writing_options,
)

READING: Final = "reading"
"""The bind key of the reading engine. The engine without a key is the writing one, to which sessions are bound."""

# Models are subclasses of Base and not of db.Model, which mypy does not understand; both share one metadata.
# Entities don't expire, because they are often shown after the commit; the code flushes explicitly.
db = SQLAlchemy(
    model_class=Base,
    disable_autonaming=True,
    engine_options=COMMON_OPTIONS,
    session_options={"expire_on_commit": False, "autoflush": False},
)


def connect_engines(app: Flask, database_url: str, pool_size: int) -> Engines:
    """Create the application's engines, which connect when they are first used."""
    url = make_url(database_url)
    is_sqlite = url.get_backend_name() == "sqlite"
    if is_sqlite:
        url = create_sqlite_file(url)
    app.config["SQLALCHEMY_DATABASE_URI"] = url
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = writing_options(url, pool_size)
    app.config["SQLALCHEMY_BINDS"] = {READING: {"url": url, **reading_options(url, pool_size)}}
    db.init_app(app)
    with app.app_context():
        engines = Engines(writing=db.engine, reading=db.engines[READING])
    if is_sqlite:
        listen_to_sqlite(engines)
    else:
        replace_stale_connections(engines)
        watch_postgresql(engines)
    return engines


@contextmanager
def new_session() -> Iterator[Session]:
    """A new session on the writing engine, rolled back at the end of the block unless it was committed, and closed.

    It is the session of the application context, so a request has at most one at a time.
    """
    if db.session.registry.has():
        message = "this request has a session already"
        raise RuntimeError(message)
    try:
        yield db.session()
    finally:
        db.session.remove()
