"""The attributes and relationships of a team's access to a project (spec: team access to projects)."""

from collections.abc import Callable, Mapping
from typing import Any

from marshmallow import ValidationError

from app.jsonapi import Json
from app.jsonapi.fields import Attribute, Choice, Computed, DateTime, Setting, ToOne
from app.jsonapi.schema import Schema
from app.models.team_projects import ACCESS_LEVELS
from app.persistence import AnyRow
from app.resources.access.levels import Detail, Value, details_in_force
from app.resources.access.team_projects.details import DETAILS, PROJECT_DETAILS, WORKSPACE_DETAILS


def reader_of(details: Mapping[str, Detail]) -> Callable[[Any], dict[str, Value]]:
    """A function that reads an object of these details. Null means not sent; unknown details are ignored."""

    def read(value: Json) -> dict[str, Value]:
        if not isinstance(value, dict):
            raise ValidationError("must be an object")
        given: dict[str, Value] = {}
        faults: dict[str, Any] = {}
        for name, detail in details.items():
            if value.get(name) is not None:
                try:
                    given[name] = detail.read(value[name])
                except ValidationError as error:
                    faults[name] = error.messages
        if faults:
            raise ValidationError(faults)
        return given

    return read


def shown(details: Mapping[str, Detail]) -> Computed:
    """The attribute that shows the values in force of these details."""

    def make(row: AnyRow, _held: object) -> dict[str, Value]:
        values = details_in_force(DETAILS, row.access, row.details)
        return {name: values[name] for name in details}

    key = "project-access" if details is PROJECT_DETAILS else "workspace-access"
    properties = {name: {"enum": list(detail.values)} for name, detail in details.items()}
    return Computed(
        make,
        data_key=key,
        schema={"type": "object", "properties": properties, "required": sorted(properties)},
    )


def sent(details: Mapping[str, Detail], *, description: str) -> Setting:
    """The attribute that accepts these details."""
    key = "project-access" if details is PROJECT_DETAILS else "workspace-access"
    properties = {name: {"enum": [*detail.values, None]} for name, detail in details.items()}
    return Setting(
        reader_of(details),
        allow_none=True,
        load_only=True,
        data_key=key,
        schema={"type": ["object", "null"], "properties": properties},
        description=description,
    )


class TeamProjectSchema(Schema):
    """A team's access to a project, always with every detail."""

    class Meta:
        """Its type, with the spelling of HashiCorp's Python client, and its address."""

        type_ = "team-projects"
        accepted_types = ("team-projects", "team-project-access")
        self_link = "/api/v2/team-projects/{id}"

    id = Attribute()
    access = Choice(
        ACCESS_LEVELS,
        required=True,
        description="The level of the team: `read`, `write`, `maintain`, `admin`, or `custom` for a "
        "level made of the two objects below.",
        example="write",
    )
    project_access = sent(PROJECT_DETAILS, description="With `custom`: what the team may do with the project itself.")
    workspace_access = sent(
        WORKSPACE_DETAILS, description="With `custom`: what the team may do with the workspaces of the project."
    )
    shown_project_access = shown(PROJECT_DETAILS)
    shown_workspace_access = shown(WORKSPACE_DETAILS)

    expires_at = DateTime(
        allow_none=True,
        description="When the access ends by itself; null for never.",
        example="2099-12-31T00:00:00Z",
    )

    team = ToOne("teams", column="team_id", related="/api/v2/teams/{team_id}", writable=True, required=True)
    project = ToOne(
        "projects",
        column="project_id",
        related="/api/v2/projects/{project_id}",
        writable=True,
        required=True,
    )
