"""Reading state versions and their outputs."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, Text, and_, bindparam, case, cast, func, select

from app.authz.permissions import P
from app.jsonapi.errors import TooMuchIncluded
from app.models.runs import Run
from app.models.state_versions import PENDING, StateVersion, StateVersionOutput
from app.models.workspaces import Workspace
from app.persistence import SEPARATOR, KeptStatement, in_values, string_agg, values_param
from app.resources.organizations.organization_memberships.includes import shown_users
from app.resources.workspaces.state_versions.schema import (
    OutputSchema,
    ReadableOutputSchema,
    RevealedOutputSchema,
    StateVersionSchema,
)
from app.web.context import reader
from app.web.filters import OneOf
from app.web.includes import load_included
from app.web.listing import Listing, ResourceObject, plain

INCLUDES: Final = ("created_by", "run", "run.created_by", "run.configuration_version", "outputs")
_OUTPUT_COLUMNS: Final = {
    **plain(
        StateVersionOutput,
        "id organization_id workspace_id state_version_id name sensitive type detailed_type value",
    ),
    "project_id": Workspace.project_id,
}
_OUTPUT_TABLES: Final = StateVersionOutput.__table__.join(
    Workspace.__table__,
    Workspace.__table__.c.id == StateVersionOutput.workspace_id,
)


# Each version on a page can have megabytes of resources. A single version shows them whatever their length.
LISTED_LENGTH: Final = 100_000
# How large the outputs in one answer may be: the characters of their stored values, and a fixed weight for the rest.
OUTPUTS_WEIGHT: Final = 20_000_000
OUTPUT_WEIGHT: Final = 500


def _neighbour(distance: int) -> ColumnElement[str]:
    beside = StateVersion.__table__.alias()
    return (
        select(beside.c.id)
        .where(
            beside.c.workspace_id == StateVersion.workspace_id,
            beside.c.number == StateVersion.number + distance,
        )
        .scalar_subquery()
    )


def _unless_long(column: Any) -> ColumnElement[Any]:  # noqa: ANN401 - a mapped column
    # Modules and providers are computed from the resources, and never longer.
    return case((func.length(cast(StateVersion.resources, Text)) <= LISTED_LENGTH, column))


_VERSION_COLUMNS: Final = {
    **plain(
        StateVersion,
        "id organization_id workspace_id created_at created_by_id rollback_of_id run_id status intermediate "
        "serial size encrypted state_object json_state_object format terraform_version modules providers resources",
    ),
    "project_id": Workspace.project_id,
    "previous_id": _neighbour(-1),
    "next_id": _neighbour(1),
}
_VERSIONS: Final[dict[str, Any]] = {
    "schema": StateVersionSchema,
    "model": StateVersion,
    "visible_by": P.STATE_READ,
    "joined": StateVersion.__table__.join(Workspace.__table__, Workspace.__table__.c.id == StateVersion.workspace_id),
    "order": (-StateVersion.number, StateVersion.__table__.c.id),
    "filters": (OneOf("filter[status]", StateVersion.status),),
}

_OUTPUT: Final = StateVersionOutput.__table__.c
STATE_VERSIONS: Final = Listing(
    **_VERSIONS,
    columns={
        **_VERSION_COLUMNS,
        "output_ids": string_agg(
            _OUTPUT.id,
            _OUTPUT.state_version_id == StateVersion.__table__.c.id,
            order=_OUTPUT.name,
            outer=StateVersion.__table__,
        ),
    },
    parents={
        "current_in": and_(
            Workspace.__table__.c.id == bindparam("current_in"),
            Workspace.__table__.c.current_state_version_id == StateVersion.__table__.c.id,
        )
    },
)
# Lists show a large version as if its resources were not processed yet.
LISTED_STATE_VERSIONS: Final = Listing(
    **_VERSIONS,
    columns={
        **_VERSION_COLUMNS,
        **{name: _unless_long(_VERSION_COLUMNS[name]) for name in ("resources", "modules", "providers")},
    },
)

OUTPUTS: Final = Listing(
    schema=OutputSchema,
    model=StateVersionOutput,
    columns=_OUTPUT_COLUMNS,
    joined=_OUTPUT_TABLES,
    order=(StateVersionOutput.__table__.c.name, StateVersionOutput.__table__.c.id),
)

READABLE_OUTPUTS: Final = replace(OUTPUTS, schema=ReadableOutputSchema)

REVEALED_OUTPUTS: Final = Listing(
    schema=RevealedOutputSchema,
    model=StateVersionOutput,
    columns=_OUTPUT_COLUMNS,
    joined=_OUTPUT_TABLES,
    order=(StateVersionOutput.__table__.c.name, StateVersionOutput.__table__.c.id),
)

_OUTPUT_IDS: Final = KeptStatement(
    select(StateVersionOutput.state_version_id, StateVersionOutput.id, func.length(StateVersionOutput.value))
    .where(in_values(StateVersionOutput.__table__.c.state_version_id, values_param("versions")))
    .order_by(StateVersionOutput.name)
)


def including(wanted: set[str]) -> Callable[[Sequence[Row[Any]], list[ResourceObject]], list[ResourceObject]] | None:
    """A function that reads the included resources for versions; None if there are none."""
    if not wanted:
        return None

    def load(rows: Sequence[Row[Any]], shown: list[ResourceObject]) -> list[ResourceObject]:
        included: list[ResourceObject] = []
        if any(name.partition(".")[0] == "run" for name in wanted):
            included += load_included(Run, {row.run_id for row in rows if row.run_id})
        if "created_by" in wanted:
            included += shown_users({row.created_by_id for row in rows if row.created_by_id}, with_email=False)
        if "outputs" in wanted:
            check_weight(link_outputs(shown))
            included += OUTPUTS.find_many(
                item["id"] for version in shown for item in version["relationships"]["outputs"]["data"]
            )
        return included

    return load


def link_output_ids(shown: ResourceObject, output_ids: str | None) -> None:
    """Add the ids of its outputs to the resource object of one version."""
    listed = output_ids.split(SEPARATOR) if output_ids else ()
    _link(shown, [{"id": output_id, "type": "state-version-outputs"} for output_id in listed])


def _link(version: ResourceObject, linkage: list[dict[str, str]]) -> None:
    version["relationships"]["outputs"] = {"data": linkage, **version["relationships"]["outputs"]}


def link_outputs(shown: list[ResourceObject]) -> list[int]:
    """Add the ids of their outputs to the resource objects of versions, in one statement; returns the lengths."""
    linked: dict[str, list[dict[str, str]]] = {version["id"]: [] for version in shown}
    lengths = []
    # A version whose state has not arrived has none.
    arrived = [version["id"] for version in shown if version["attributes"]["status"] != PENDING]
    found = _OUTPUT_IDS.all(reader(), {"versions": arrived}) if arrived else ()
    for version_id, output_id, length in found:
        linked[version_id].append({"id": output_id, "type": "state-version-outputs"})
        lengths.append(length)
    for version in shown:
        _link(version, linked[version["id"]])
    return lengths


def check_weight(lengths: Sequence[int]) -> None:
    """Refuse to include outputs if their values, which have these lengths, are too many or too long."""
    if sum(lengths) + OUTPUT_WEIGHT * len(lengths) > OUTPUTS_WEIGHT:
        raise TooMuchIncluded(parameter="include")
