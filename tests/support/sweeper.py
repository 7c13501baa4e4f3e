"""The store, the ledger and the sweep of the application under test."""

import time
from datetime import timedelta
from pathlib import Path

from flask import Flask
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from app.config import Settings
from app.models import StoredObject
from app.persistence import now
from app.persistence.engine import Engines
from app.services import services
from app.storage.ledger import register
from app.storage.spare_names import SpareNames
from app.storage.store import Store
from app.storage.sweeping import sweep
from app.storage.vault import Vault
from tests.support.states import States, state

NOT_AT_ALL = timedelta(0)


class Sweeper:
    """The store and the ledger of the application, and the sweep."""

    def __init__(self, app: Flask) -> None:
        settings: Settings = services(app).settings
        self.folder = settings.home / "blobs"
        self.engines: Engines = services(app).engines
        self.vault: Vault = services(app).vault
        self.spare_names: SpareNames = services(app).spare_names

    def forget_spare_names(self) -> None:
        """Let no name wait for the next uploads."""
        with self.engines.writing.begin() as connection:
            connection.execute(delete(StoredObject).where(StoredObject.name.in_(self.spare_names.all())))
        self.spare_names.clear()

    def sweep(self, grace: timedelta = NOT_AT_ALL) -> int:
        """Sweep what was stored; of the names that wait for the next uploads, tests of their own tell."""
        self.forget_spare_names()
        # Times are kept in milliseconds: what was begun in this one is not older than it.
        time.sleep(0.002)
        return sweep(self.engines, self.vault, grace)

    def files(self) -> set[str]:
        """The names of the objects in the store, with whatever else there is."""
        return {path.relative_to(self.folder).as_posix() for path in self.folder.rglob("*") if path.is_file()}

    def folders(self) -> list[Path]:
        return [path for path in self.folder.glob("*/*") if path.is_dir()]

    def listed(self) -> set[str]:
        """The names in the ledger, without those that wait for the next uploads."""
        with Session(self.engines.writing) as session:
            return set(session.scalars(select(StoredObject.name))) - self.spare_names.all()

    def condemned(self) -> int:
        with Session(self.engines.writing) as session:
            return len(session.scalars(select(StoredObject).where(StoredObject.condemned_at.is_not(None))).all())

    def orphan(self, name: str) -> str:
        """What a process leaves that is killed before it commits."""
        register(self.engines.writing, name)
        self.vault.put(name, [b"x"])
        return name

    def age(self, by: timedelta) -> None:
        """Let everything in the ledger be older."""
        with self.engines.writing.begin() as connection:
            connection.execute(update(StoredObject).values(created_at=now() - by))


class Broken:
    """A store that removes nothing whose name has the part; all else it does like the one behind it."""

    def __init__(self, store: Store, part: str) -> None:
        self._store = store
        self._part = part
        self.put, self.open, self.exists = store.put, store.open, store.exists

    def delete(self, name: str) -> None:
        if self._part in name:
            raise OSError
        self._store.delete(name)


def fill(states: States, versions: int = 2) -> None:
    """So many versions, the first with its JSON form."""
    states.lock()
    first = states.create(state(1))
    states.put(first, b"{}", part="json-state")
    states.put(first, state(1))
    states.unlock()
    for serial in range(2, versions + 1):
        states.save(state(serial))
