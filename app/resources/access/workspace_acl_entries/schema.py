"""The attributes and relationships of an entry in the access list of a workspace (mission: E7)."""

from typing import Any

from marshmallow.fields import Field

from app.authz.permissions import P
from app.jsonapi.fields import Attribute, Choice, DateTime, Email, Text, ToOne
from app.jsonapi.schema import Schema
from app.models.workspace_acl_entries import ACL_LEVELS
from app.resources.access.project_members.schema import BY_EMAIL, BY_USERNAME
from app.resources.accounts.users.schema import USERNAME_LENGTH

# Far longer than any token of this service.
INVITE_LENGTH = 1_000


class WorkspaceAclEntrySchema(Schema):
    """The level of a user on a workspace. Callers who see e-mail addresses on memberships see them here, too."""

    class Meta:
        """Its type and address."""

        type_ = "workspace-acl-entries"
        self_link = "/api/v2/workspaces/{workspace_id}/acl/{id}"
        sent_back = ("username", "email")

    id = Attribute()
    level = Choice(
        ACL_LEVELS, required=True, description="What the person may do with the workspace.", example="developer"
    )
    username: Field[Any] = Attribute(description="The user name of the person.")
    email: Field[Any] = Attribute(shown_to=P.MEMBERSHIP_READ, description="The address of the person.")
    expires_at = DateTime(
        allow_none=True,
        description="When the access ends by itself; null for never.",
        example="2099-12-31T00:00:00Z",
    )
    created_at = DateTime(dump_only=True)

    user = ToOne("users", column="user_id", related="/api/v2/users/{user_id}", writable=True, required=True)
    workspace = ToOne("workspaces", column="workspace_id", related="/api/v2/workspaces/{workspace_id}")


class GrantedAclEntrySchema(WorkspaceAclEntrySchema):
    """A level for a user, who is named by the relationship ``user``, or by the attribute ``username`` or ``email``."""

    class Meta(WorkspaceAclEntrySchema.Meta):
        """The type and address of any entry."""

        in_example = ("user",)

    username = Text(minimum=1, maximum=USERNAME_LENGTH, description=BY_USERNAME)
    email = Email(description=BY_EMAIL)

    user = ToOne("users", column="user_id", writable=True)


class NewAclEntrySchema(GrantedAclEntrySchema):
    """Either a user with a level, or the token of an invitation; with a token, everything else is ignored."""

    class Meta(WorkspaceAclEntrySchema.Meta):
        """The type and address of any entry."""

        in_example = ("user",)

    level = Choice(ACL_LEVELS, example="user")
    invite = Text(
        minimum=1,
        maximum=INVITE_LENGTH,
        load_only=True,
        description="The secret text of an invitation, instead of the relationship `user`: the caller accepts it.",
    )
