"""The vault of the running application."""

from typing import Final, cast

from flask import current_app

from app.config import Settings
from app.storage.files import FileStore
from app.storage.keyring import Keyring
from app.storage.store import Store
from app.storage.vault import Vault

VAULT: Final = "groundplan.vault"


def connect_vault(settings: Settings, keyring: Keyring) -> Vault:
    """The vault over the store that the settings name; nothing is opened yet."""
    store: Store = FileStore(settings.home / "blobs")
    if settings.bucket is not None:
        # Only here: the library is large, and who keeps files does without it.
        from app.storage.objects import BucketStore  # noqa: PLC0415

        store = BucketStore(settings.bucket)
    return Vault(store, keyring)


def vault() -> Vault:
    """Where the running application keeps its objects."""
    return cast("Vault", current_app.extensions[VAULT])
