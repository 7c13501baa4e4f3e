"""The declarative base of every table."""

from typing import Any, ClassVar

from sqlalchemy import JSON, MetaData, Text
from sqlalchemy.orm import DeclarativeBase

# Constraints are named by convention, so that an IntegrityError can be told by name and a migration can drop it.
NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """A table of the service.

    ``scope`` says for each level of a grant which column of the row such a grant must name to reach it; the policy
    reads it for both of its faces. A level that is left out never reaches the table. ``taken`` maps a unique
    constraint to the attribute that a client hears has already been taken when it is broken. Who may see what happens
    to a row sees it in the record of activity; of what ``tells_of_access`` only who manages that access. ``found_by``
    are computed columns of the scope that an index serves as well as a plain one.
    """

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        str: Text(),
        dict[str, Any]: JSON(none_as_null=True),
        list[str]: JSON(none_as_null=True),
    }
    scope: ClassVar[dict[str, str]] = {}
    taken: ClassVar[dict[str, str]] = {}
    tells_of_access: ClassVar[bool] = False
    found_by: ClassVar[frozenset[str]] = frozenset()
