"""The application as it describes itself; no database is needed for that."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from app.openapi import openapi_document
from tests.contract.description import Description


@pytest.fixture(scope="session")
def described(
    new_app: Callable[[str], AbstractContextManager[Flask]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Flask]:
    """An application over a database without tables."""
    folder: Path = tmp_path_factory.mktemp("described")
    with new_app(f"sqlite:///{folder / 'empty.sqlite3'}") as app:
        yield app


@pytest.fixture(scope="session")
def document(described: Flask) -> dict[str, Any]:
    """The API document, as the code makes it now."""
    return openapi_document(described)


@pytest.fixture(scope="session")
def description(document: dict[str, Any]) -> Description:
    """Holds answers against the document."""
    return Description(document)
