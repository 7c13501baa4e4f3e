"""The application as it describes itself; no database is needed for that."""

from typing import Any

import pytest
from flask import Flask

from app.openapi import openapi_document
from tests.contract.description import Description


@pytest.fixture(scope="session")
def document(described: Flask) -> dict[str, Any]:
    """The API document, as the code makes it now."""
    return openapi_document(described)


@pytest.fixture(scope="session")
def description(document: dict[str, Any]) -> Description:
    """Holds answers against the document."""
    return Description(document)
