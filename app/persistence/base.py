"""The declarative base of every table."""

from collections.abc import Mapping
from typing import Any, ClassVar

from sqlalchemy import JSON, MetaData, Text
from sqlalchemy.orm import DeclarativeBase, registry

# Constraints are named by convention, so that an IntegrityError can be told by name and a migration can drop it.
NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """The base class of every table.

    ``grant_columns`` maps each level of a grant to the column that has to match the grant's id. A grant at a level that
    is missing in it never reaches the table. ``indexed_grant_columns`` are computed ones among them that have an index,
    as plain ones do.

    ``visible_by`` is the permission (``authz.permissions.P``) of callers who can see a row, for the tables that are
    resources of their own.

    ``unique_errors`` maps a unique constraint to the attribute that the error names when the constraint is broken.

    A caller who can see a row may also read its activity events, unless the model is ``access_sensitive``: then only
    those who manage that access may read them.
    """

    registry = registry(
        metadata=MetaData(naming_convention=NAMING),
        type_annotation_map={
            str: Text(),
            dict[str, Any]: JSON(none_as_null=True),
            list[str]: JSON(none_as_null=True),
        },
    )
    grant_columns: ClassVar[Mapping[str, str]] = {}
    visible_by: ClassVar[Any]
    unique_errors: ClassVar[dict[str, str]] = {}
    access_sensitive: ClassVar[bool] = False
    indexed_grant_columns: ClassVar[frozenset[str]] = frozenset()
