"""The values of sensitive variables, which the API shows to nobody: for an operator who asks for them."""

from collections.abc import Mapping

from sqlalchemy import select

from app.models.vars import Var
from app.persistence import Base
from app.persistence.engine import Engines
from app.storage.keyring import Keyring

_VARS = Base.metadata.tables[Var.__tablename__].c


class SealedValues:
    """Reads them from the database."""

    def __init__(self, engines: Engines, keyring: Keyring) -> None:
        """Read by the connection of the thread, so within its view."""
        self._engines = engines
        self._keyring = keyring

    def of(self, owner: str, identifier: str) -> Mapping[str, str]:
        """By the ids of variables: those of the workspace or the variable set with this id."""
        found = select(_VARS.id, _VARS.sealed_value).where(_VARS[owner] == identifier, _VARS.sensitive)
        return {
            row.id: self._keyring.unseal(row.sealed_value).decode() for row in self._engines.own_reader().execute(found)
        }
