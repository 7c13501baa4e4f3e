"""Every table, imported so that the metadata is complete for migrations and tests."""

from app.resources.activity_events.model import ActivityEvent
from app.resources.agent_pools.model import AgentPool, AllowedProject, AllowedWorkspace, ExcludedWorkspace
from app.resources.authentication_tokens.model import AuthenticationToken
from app.resources.environments.model import Environment
from app.resources.images.model import Image
from app.resources.invitations.model import Invitation, InvitationMessage
from app.resources.organization_memberships.model import OrganizationMembership
from app.resources.organizations.model import Organization
from app.resources.project_members.model import ProjectMember
from app.resources.projects.model import Project
from app.resources.repository_links.model import RepositoryLink
from app.resources.reserved_tag_keys.model import ReservedTagKey
from app.resources.sign_in.model import AuthorizationCode, SignInAttempt, SignInSession
from app.resources.state_versions.model import StateVersion, StateVersionOutput
from app.resources.tag_bindings.model import TagBinding
from app.resources.team_projects.model import TeamProject
from app.resources.team_workspaces.model import TeamWorkspace
from app.resources.teams.model import Team, TeamMember
from app.resources.users.model import User
from app.resources.vars.model import Var
from app.resources.varsets.model import Varset, VarsetProject, VarsetWorkspace
from app.resources.workspace_acl_entries.model import WorkspaceAclEntry
from app.resources.workspaces.model import RemoteStateConsumer, Workspace
from app.storage.ledger import StoredObject

__all__ = [
    "ActivityEvent",
    "AgentPool",
    "AllowedProject",
    "AllowedWorkspace",
    "AuthenticationToken",
    "AuthorizationCode",
    "Environment",
    "ExcludedWorkspace",
    "Image",
    "Invitation",
    "InvitationMessage",
    "Organization",
    "OrganizationMembership",
    "Project",
    "ProjectMember",
    "RemoteStateConsumer",
    "RepositoryLink",
    "ReservedTagKey",
    "SignInAttempt",
    "SignInSession",
    "StateVersion",
    "StateVersionOutput",
    "StoredObject",
    "TagBinding",
    "Team",
    "TeamMember",
    "TeamProject",
    "TeamWorkspace",
    "User",
    "Var",
    "Varset",
    "VarsetProject",
    "VarsetWorkspace",
    "Workspace",
    "WorkspaceAclEntry",
]
