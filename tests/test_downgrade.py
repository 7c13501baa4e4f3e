"""A downgrade drops what newer versions have stored, so it asks."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import text

from app.services import services
from tests.conftest import NewDatabase

pytestmark = pytest.mark.one_database


def test_it_asks(
    new_database: NewDatabase,
    new_app: Callable[[str], AbstractContextManager[Flask]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with new_database() as url, new_app(url) as app, app.app_context():

        def run(*arguments: str, given: str | None = None, terminal: bool = False) -> tuple[int, str, bool]:
            upgrade()
            with monkeypatch.context() as patch:
                if terminal:
                    patch.setattr(
                        "app.downgrade.sys", type("Terminal", (), {"stdin": type("In", (), {"isatty": lambda: True})})
                    )
                result = app.test_cli_runner().invoke(args=["db", "downgrade", *arguments], input=given)
            with services(app).engines.writing.connect() as connection:
                is_older = connection.scalar(text("SELECT version_num FROM alembic_version")) != newest
            return result.exit_code, result.output, is_older

        newest = services(app).schema_version()
        status, said, is_older = run()
        assert (status, is_older) == (1, False)
        assert "--yes or set GROUNDPLAN_ALLOW_DATA_LOSS=1" in said
        status, said, is_older = run(given="n\n", terminal=True)
        assert (status, is_older) == (1, False)
        assert "is that what you want? [y/N]" in said
        assert run(given="y\n", terminal=True)[::2] == (0, True)
        assert run("--yes")[::2] == (0, True)
        monkeypatch.setenv("GROUNDPLAN_ALLOW_DATA_LOSS", "1")
        assert run()[::2] == (0, True)
