"""Short secrets, sealed with the master keys so that a column can hold them.

A column that holds sealed text is declared with ``info=SEALED``: that is how a change of the master key finds it.
"""

from typing import Final, cast

from flask import current_app

from app.storage.keyring import Keyring
from app.storage.sealed import SEALED

__all__ = ["KEYRING", "SEALED", "keyring", "seal", "unseal"]

KEYRING: Final = "groundplan.keyring"


def keyring() -> Keyring:
    """The master keys of the running application."""
    return cast("Keyring", current_app.extensions[KEYRING])


def seal(text: str) -> str:
    """The text, encrypted and authenticated, in ASCII; another one each time."""
    return keyring().seal(text.encode())


def unseal(sealed: str) -> str:
    """The text that was sealed; ``Unreadable`` when it was changed or its master key is gone."""
    return keyring().unseal(sealed).decode()
