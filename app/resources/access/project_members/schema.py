"""The attributes and relationships of a project member (mission: C4, D3, D4)."""

import re
from typing import Any

from marshmallow import ValidationError
from marshmallow.fields import Field

from app.authz.permissions import P
from app.jsonapi import Json
from app.jsonapi.fields import Attribute, Choice, Computed, DateTime, Email, Setting, Text, ToOne
from app.jsonapi.schema import Schema
from app.models.project_members import PROJECT_ROLES
from app.resources.accounts.users.schema import USERNAME_LENGTH
from app.resources.workspaces.workspaces.schema import CELL_LENGTH, CELL_PATTERN

CELLS = 100
BY_USERNAME = "The user name of the person, instead of the relationship `user`."
BY_EMAIL = "The whole e-mail address of the person, instead of the relationship `user`."
CELL_SCOPES = {
    "type": ["array", "null"],
    "items": {"type": "string", "minLength": 1, "maxLength": CELL_LENGTH, "pattern": f"^(?:{CELL_PATTERN})$"},
    "maxItems": CELLS,
}
_CELL = re.compile(CELL_PATTERN)


def read_cells(value: Json) -> list[str]:
    """The names of cells, each once."""
    if not isinstance(value, list) or any(not isinstance(cell, str) for cell in value):
        raise ValidationError("must be null or an array of strings")
    if len(value) > CELLS:
        raise ValidationError(f"must have at most {CELLS} cells")
    if any(len(cell) > CELL_LENGTH or not _CELL.fullmatch(cell) for cell in value):
        raise ValidationError("has a name that no cell can have")
    return list(dict.fromkeys(value))


class PartSchema(Schema):
    """The document for an address that sets only some attributes of a project member."""

    class Meta:
        """The type and address of a project member."""

        type_ = "project-members"

    id = Attribute()


class CellScopesSchema(PartSchema):
    """The cells that a member's role is limited to: null means all cells, an empty list none."""

    class Meta(PartSchema.Meta):
        """The type and address of a project member."""

    cells = Setting(
        read_cells,
        allow_none=True,
        required=True,
        load_only=True,
        data_key="cell-scopes",
        schema=CELL_SCOPES,
        description="The cells that the role is limited to; null means the whole project or environment.",
        example=["eu"],
    )


class OwnerSchema(PartSchema):
    """The user who is to own a project, by id, username or e-mail address."""

    class Meta(PartSchema.Meta):
        """The type and address of a project member."""

        in_example = ("user_id",)

    user_id = ToOne("users", writable=True, data_key="user")
    username = Text(minimum=1, maximum=USERNAME_LENGTH, description=BY_USERNAME)
    email = Email(description=BY_EMAIL)


class ProjectMemberSchema(Schema):
    """The role of a user in a project. Callers who see e-mail addresses on memberships see them here, too."""

    class Meta:
        """Its type and address."""

        type_ = "project-members"
        self_link = "/api/v2/project-members/{id}"
        sent_back = ("username", "email")

    id = Attribute()
    role = Choice(
        PROJECT_ROLES,
        required=True,
        description="What the person may do in the project, or in the environment if one is named.",
        example="viewer",
    )
    cells = Setting(
        read_cells,
        allow_none=True,
        load_only=True,
        data_key="cell-scopes",
        schema=CELL_SCOPES,
        description="The cells that the role is limited to; null means the whole project or environment.",
    )
    shown_cells = Computed(lambda row, _held: row.cells, data_key="cell-scopes", schema=CELL_SCOPES)
    username: Field[Any] = Attribute(description="The user name of the person.")
    email: Field[Any] = Attribute(shown_to=P.MEMBERSHIP_READ, description="The address of the person.")
    expires_at = DateTime(
        allow_none=True,
        description="When the access ends by itself; null for never.",
        example="2099-12-31T00:00:00Z",
    )
    created_at = DateTime(dump_only=True)

    user = ToOne("users", column="user_id", related="/api/v2/users/{user_id}", writable=True, required=True)
    project = ToOne("projects", column="project_id", related="/api/v2/projects/{project_id}")
    environment = ToOne(
        "environments",
        column="environment_id",
        related="/api/v2/environments/{environment_id}",
        writable=True,
    )
    organization_membership = ToOne(
        "organization-memberships",
        column="membership_id",
        related="/api/v2/organization-memberships/{membership_id}",
    )


class NewProjectMemberSchema(ProjectMemberSchema):
    """A new member, named by the relationship ``user``, or by the attribute ``username`` or ``email``."""

    class Meta(ProjectMemberSchema.Meta):
        """The type and address of a project member."""

        in_example = ("user",)

    username = Text(minimum=1, maximum=USERNAME_LENGTH, description=BY_USERNAME)
    email = Email(description=BY_EMAIL)

    user = ToOne("users", column="user_id", writable=True)
