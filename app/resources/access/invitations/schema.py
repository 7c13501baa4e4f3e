"""The attributes and relationships of an invitation (mission: C6, C7, E7, E8)."""

from typing import Any

from marshmallow.fields import Field

from app.jsonapi.fields import (
    EMAIL_LENGTH,
    Attribute,
    Choice,
    Computed,
    Constant,
    DateTime,
    Email,
    Setting,
    Text,
    ToOne,
)
from app.jsonapi.schema import Schema
from app.models.invitations import EXPIRED, PENDING, STATUSES
from app.models.project_members import PROJECT_ROLES
from app.models.workspace_acl_entries import ACL_LEVELS
from app.persistence import AnyRow, now
from app.resources.access.project_members.schema import CELL_SCOPES, read_cells

NO_TEXT = {"type": ["string", "null"]}
# One plain address. In mail, the other characters separate several addresses or a name from an address, so that the
# message would be sent to another address than the invited one.
_PART = r"[^@\s,;:<>()\[\]\"\\]+"
ADDRESS_PATTERN = f"{_PART}@{_PART}"


def _status(row: AnyRow, _held: object) -> str:
    return EXPIRED if row.status == PENDING and row.expires_at <= now() else str(row.status)


class InvitationSchema(Schema):
    """An offer to join a project with a role, or a workspace with a level, for the user who has the e-mail address.

    Token and link are only in the answer to the caller who created or renewed the invitation, and only if the service
    sends no mail.
    """

    class Meta:
        """Its type and address."""

        type_ = "invitations"
        self_link = "/api/v2/invitations/{id}"

    id = Attribute()
    email: Field[Any] = Attribute()
    role: Field[Any] = Attribute(attribute="project_role", allow_none=True)
    level: Field[Any] = Attribute(attribute="workspace_level", allow_none=True)
    cells: Field[Any] = Attribute(data_key="cell-scopes")
    status = Computed(
        _status,
        schema={"type": "string", "enum": [*STATUSES, EXPIRED]},
        description="`pending`, `accepted`, `canceled` or `expired`; a pending one can be accepted until `expires-at`.",
    )
    created_at = DateTime(dump_only=True)
    expires_at = DateTime(dump_only=True, description="Until when it can be accepted.")
    sent_at = DateTime(dump_only=True, description="When the mail was last sent; null if there was none.")
    organization_name = Attribute(description="The organization, for those who can't read it yet.")
    project_name = Attribute(allow_none=True, description="The project, for those who can't read it yet.")
    workspace_name = Attribute(allow_none=True, description="The workspace, for those who can't read it yet.")
    invited_by_name = Attribute(allow_none=True, description="The name of the person who invited.")
    token = Constant(
        None,
        schema=NO_TEXT,
        description="The secret text that accepts the invitation. Only the answer to the request that makes it has it.",
    )
    link = Constant(
        None,
        schema=NO_TEXT,
        description="The page on which the person accepts. Only the answer to the request that makes the "
        "invitation has it.",
    )

    organization = ToOne("organizations", column="organization_name")
    project = ToOne("projects", column="project_id")
    workspace = ToOne("workspaces", column="workspace_id")
    environment = ToOne("environments", column="environment_id")
    invited_by = ToOne("users", column="invited_by_id")


class IntoProjectSchema(InvitationSchema):
    """An invitation to a project; the role can be limited to one environment or to some cells."""

    class Meta(InvitationSchema.Meta):
        """The type and address of any invitation."""

    email = Email(
        required=True,
        pattern=ADDRESS_PATTERN,
        description="The address of the person who is invited.",
        example="ada@example.com",
    )
    role = Choice(PROJECT_ROLES, required=True, description="The role in the project once accepted.", example="viewer")
    cells = Setting(
        read_cells,
        allow_none=True,
        data_key="cell-scopes",
        schema=CELL_SCOPES,
        description="The cells that the role is limited to; null means the whole project or environment.",
    )

    environment = ToOne("environments", column="environment_id", writable=True)


class ToWorkspaceSchema(InvitationSchema):
    """An invitation to a workspace."""

    class Meta(InvitationSchema.Meta):
        """The type and address of any invitation."""

    email = Email(
        required=True,
        pattern=ADDRESS_PATTERN,
        description="The address of the person who is invited.",
        example="ada@example.com",
    )
    level = Choice(
        ACL_LEVELS,
        required=True,
        attribute="role",
        description="The level in the workspace's access list once accepted.",
        example="user",
    )


class ResetSchema(InvitationSchema):
    """The address whose link to a workspace is to be replaced; without one, the links of all pending invitations."""

    class Meta(InvitationSchema.Meta):
        """The type of an invitation, which may be left out."""

        accepted_types = ()

    email = Text(
        minimum=1,
        maximum=EMAIL_LENGTH,
        nullable=True,
        description="The invited address whose link is replaced; null means all pending invitations of the workspace.",
        example="ada@example.com",
    )
