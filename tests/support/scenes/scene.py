"""What the requests of one domain meet; the tests ask there what each costs and how the database finds its rows."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from sqlalchemy import Engine

from app.models import Organization
from tests.support.api import Api
from tests.support.statement_costs import Request
from tests.support.world import Person, World

Costs = list[tuple[str, str, str]]
"""The cells of a table: the path, who asks, how many statements that takes."""

Cost = int | tuple[int, int]
"""How many statements; on SQLite and on PostgreSQL, where that writes several rows by one."""


class Scene:
    """A world with something of every type of the domain; more of it when asked.

    In paths, a word in capitals stands for the id that ``ids`` has for it.
    """

    TABLES: ClassVar[Sequence[str]]
    """None of these is read from end to end for any of ``PATHS``."""
    PATHS: ClassVar[Sequence[str]]
    READS: ClassVar[Costs] = []
    """What reading costs, whatever there is."""
    SIZES: ClassVar[Sequence[int]] = (0, 150)
    """So much more there is each time: nothing, then more than a page holds."""
    WRITES: ClassVar[Mapping[str, Cost]] = {}
    """What each write costs, whatever there is and however much is sent."""

    def __init__(self, api: Api, world: World, engine: Engine, organization: Organization, owner: Person) -> None:
        self.api = api
        self.world = world
        self.engine = engine
        self.organization = organization
        self.here = {"organization_id": organization.id}
        self.owner = owner
        self.tokens: dict[str, str] = {"owner": owner.token}
        self.ids: dict[str, str] = {}

    def may_read(self, path: str, who: str) -> bool:  # noqa: ARG002 - for the scenes where not everybody may
        """Whether the caller gets an answer there."""
        return True

    def fill(self, count: int) -> None:
        """Add so many of everything."""
        raise NotImplementedError

    def request(self, write: str, count: int) -> Request:
        """The request of this name for so many of what it is about; everything that it needs is there."""
        raise NotImplementedError

    def addressed(self, path: str) -> str:
        """The path with ids for words."""
        for word, identifier in self.ids.items():
            path = path.replace(word, identifier)
        return path
