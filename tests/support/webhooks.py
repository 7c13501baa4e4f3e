"""An application whose webhooks may lead to this machine."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from ipaddress import ip_network
from typing import Any

from flask import Flask

from app.services import EXTENSION, services
from tests.support.receivers import HOST


@contextmanager
def with_settings(app: Flask, **members: Any) -> Iterator[None]:
    """Give the application these settings until the block ends."""
    before = services(app)
    app.extensions[EXTENSION] = replace(before, settings=replace(before.settings, **members))
    try:
        yield
    finally:
        app.extensions[EXTENSION] = before


@contextmanager
def calling_this_machine(app: Flask) -> Iterator[None]:
    """Allow requests to this machine, and to it alone."""
    with with_settings(app, outbound_private=(ip_network(f"{HOST}/32"),), url="https://plan.example.test"):
        yield
