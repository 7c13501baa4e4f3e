"""Other services for an application, for the time of a test."""

from dataclasses import replace
from typing import Any

import pytest
from flask import Flask

from app.services import EXTENSION, services


def replace_services(monkeypatch: pytest.MonkeyPatch, app: Flask, **changed: Any) -> None:
    """Let the application have these members of ``Services`` until the end of the test."""
    monkeypatch.setitem(app.extensions, EXTENSION, replace(services(app), **changed))
