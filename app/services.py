"""The parts of an application beside its routes, as one typed value: ``services().vault``."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, cast

from flask import Flask, current_app

from app.analytics import Delivery
from app.config import Settings
from app.persistence.engine import Engines
from app.storage.keyring import Keyring
from app.storage.spare_names import SpareNames
from app.storage.vault import Vault

EXTENSION: Final = "groundplan"
"""The key of the services in ``app.extensions``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The services of an application, created once by ``create_app``.

    ``engines`` are those that Flask-SQLAlchemy holds, for reading and for threads without an application context; a
    request that writes uses ``app.web.transaction``. ``analytics`` is None if no outside service gets events.
    ``openapi`` returns the description of the API as JSON, ``schema_version`` the newest migration that the code knows,
    and ``is_known_version`` whether it knows one.
    """

    settings: Settings
    engines: Engines
    keyring: Keyring
    vault: Vault
    spare_names: SpareNames
    analytics: Delivery | None
    openapi: Callable[[], bytes]
    schema_version: Callable[[], str]
    is_known_version: Callable[[str], bool]


def services(app: Flask | None = None) -> Services:
    """The services of the application, by default of the running one."""
    return cast("Services", (app or current_app).extensions[EXTENSION])
