"""Reading state versions and their outputs."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, select

from app.authz.permissions import P
from app.persistence import among, set_parameter
from app.resources.organization_memberships.includes import shown_users
from app.resources.state_versions.model import StateVersion, StateVersionOutput
from app.resources.state_versions.schema import OutputSchema, RevealedOutputSchema, StateVersionSchema
from app.resources.workspaces.model import Workspace
from app.web.context import reader
from app.web.filters import OneOf
from app.web.listing import Listing, Shown

INCLUDES: Final = ("created_by", "run", "run.created_by", "run.configuration_version", "outputs")
_PLAIN: Final = (
    "id",
    "organization_id",
    "workspace_id",
    "created_at",
    "created_by_id",
    "rollback_of_id",
    "status",
    "intermediate",
    "serial",
    "size",
    "state_object",
    "json_state_object",
    "format",
    "terraform_version",
    "modules",
    "providers",
    "resources",
)
_OUTPUT_PLAIN: Final = (
    "id",
    "organization_id",
    "workspace_id",
    "state_version_id",
    "name",
    "sensitive",
    "type",
    "detailed_type",
    "value",
)
_OUTPUT_COLUMNS: Final = {
    **{name: getattr(StateVersionOutput, name) for name in _OUTPUT_PLAIN},
    "project_id": Workspace.project_id,
}
_OUTPUT_TABLES: Final = StateVersionOutput.__table__.join(
    Workspace.__table__,
    Workspace.__table__.c.id == StateVersionOutput.workspace_id,
)


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


STATE_VERSIONS: Final = Listing(
    schema=StateVersionSchema,
    model=StateVersion,
    visible_by=P.STATE_READ,
    columns={
        **{name: getattr(StateVersion, name) for name in _PLAIN},
        "project_id": Workspace.project_id,
        "previous_id": _neighbour(-1),
        "next_id": _neighbour(1),
    },
    joined=StateVersion.__table__.join(Workspace.__table__, Workspace.__table__.c.id == StateVersion.workspace_id),
    order=(-StateVersion.number, StateVersion.__table__.c.id),
    filters=(OneOf("filter[status]", StateVersion.status),),
)

OUTPUTS: Final = Listing(
    schema=OutputSchema,
    model=StateVersionOutput,
    visible_by=P.STATE_READ_OUTPUTS,
    columns=_OUTPUT_COLUMNS,
    joined=_OUTPUT_TABLES,
    order=(StateVersionOutput.__table__.c.name, StateVersionOutput.__table__.c.id),
)

REVEALED_OUTPUTS: Final = Listing(
    schema=RevealedOutputSchema,
    model=StateVersionOutput,
    visible_by=P.STATE_READ_OUTPUTS,
    columns=_OUTPUT_COLUMNS,
    joined=_OUTPUT_TABLES,
    order=(StateVersionOutput.__table__.c.name, StateVersionOutput.__table__.c.id),
)

_OUTPUT_IDS: Final = (
    select(StateVersionOutput.state_version_id, StateVersionOutput.id)
    .where(among(StateVersionOutput.__table__.c.state_version_id, set_parameter("versions")))
    .order_by(StateVersionOutput.name)
)


def including(wanted: set[str]) -> Callable[[Sequence[Row[Any]], list[Shown]], list[Shown]] | None:
    """What reads the wanted resources for versions; nothing when none are wanted. There are no runs to include."""
    if not wanted:
        return None

    def load(rows: Sequence[Row[Any]], shown: list[Shown]) -> list[Shown]:
        found: list[Shown] = []
        if "created_by" in wanted:
            found += shown_users({row.created_by_id for row in rows if row.created_by_id}, with_email=False)
        if "outputs" in wanted:
            link_outputs(shown)
            found += OUTPUTS.some(
                item["id"] for version in shown for item in version["relationships"]["outputs"]["data"]
            )
        return found

    return load


def link_outputs(shown: list[Shown]) -> None:
    """Put the linkage of their outputs on the resource objects of versions; one statement."""
    linked: dict[str, list[dict[str, str]]] = {version["id"]: [] for version in shown}
    for version_id, output_id in reader().execute(_OUTPUT_IDS, {"versions": list(linked)}):
        linked[version_id].append({"id": output_id, "type": "state-version-outputs"})
    for version in shown:
        outputs = version["relationships"]["outputs"]
        version["relationships"]["outputs"] = {"data": linked[version["id"]], **outputs}
