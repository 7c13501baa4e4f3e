"""The attributes and relationships of a token (spec: tokens)."""

from app.jsonapi.fields import Attribute, Choice, Constant, DateTime, Text, ToOne
from app.jsonapi.schema import Schema
from app.models.project_members import PROJECT_ROLES

DESCRIPTION_LENGTH = 256


class AuthenticationTokenSchema(Schema):
    """A token. Only the answer that creates it has its text; its expiry can't be changed."""

    class Meta:
        """Its type. Clients send several spellings of it, or none (spec: conventions, ``data.type``)."""

        type_ = "authentication-tokens"
        self_link = "/api/v2/authentication-tokens/{id}"
        accepted_types = ()

    id = Attribute()
    description = Text(
        maximum=DESCRIPTION_LENGTH,
        nullable=True,
        description="A note for people, such as where the token is used.",
        example="pipeline",
    )
    created_at = DateTime(dump_only=True)
    last_used_at = DateTime(
        dump_only=True, description="When a request last used the token, to the minute or so; null if none ever did."
    )
    expired_at = DateTime(allow_none=True, description="When the token stops working; null means never.")
    token = Constant(
        None,
        schema={"type": ["string", "null"]},
        description="The token itself. Only the answer to the request that makes it has it; it is null ever after.",
    )

    created_by = ToOne("users", "organizations", "teams", column="created_by", type_column="created_by_type")


class TeamTokenSchema(AuthenticationTokenSchema):
    """A token of a team."""

    class Meta(AuthenticationTokenSchema.Meta):
        """The type and address of any token."""

    team = ToOne("teams", column="team_id")


class ProjectTokenSchema(AuthenticationTokenSchema):
    """A token of a project: valid for that project only, with one of the roles of its members.

    It is held by the user who made it or took it over, and ends when this user leaves the project or the organization.
    """

    class Meta(AuthenticationTokenSchema.Meta):
        """The type and address of any token. HCP Terraform has no tokens of projects."""

        is_own = True

    role = Choice(PROJECT_ROLES, required=True, description="What the token may do in the project.", example="viewer")

    project = ToOne("projects", column="project_id", related="/api/v2/projects/{project_id}")
    held_by = ToOne("users", column="held_by")
