"""The declarative base of every table."""

from collections.abc import Mapping
from typing import Any, ClassVar

from sqlalchemy import JSON, MetaData, Text
from sqlalchemy.orm import DeclarativeBase, registry

# Constraints are named by convention, so that an IntegrityError can be identified and a migration can drop them.
NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """The base class of every table.

    ``grant_columns`` maps each level of a grant to the column that must match the grant's id. A grant at any other
    level never reaches the table. ``indexed_grant_columns`` are those of the computed columns that have an index, as
    plain ones do.

    ``visible_by`` is the permission (``authz.permissions.P``) to see a row, for tables that are resources of their own.

    ``unique_errors`` maps a unique constraint to the attribute that the error names if the constraint is violated.

    A caller who can see a row may also read its activity events, unless the model is ``access_sensitive``: then only
    callers who manage that access may read them.
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
