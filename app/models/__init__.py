"""Imports every table, so that the metadata is complete for migrations and tests."""

from app.models.activity_events import ActivityEvent
from app.models.agent_pools import AgentPool, AllowedProject, AllowedWorkspace, ExcludedWorkspace
from app.models.agents import Agent
from app.models.applies import Apply
from app.models.assessment_results import AssessmentResult
from app.models.authentication_tokens import AuthenticationToken
from app.models.background_tasks import BackgroundTask
from app.models.comments import Comment
from app.models.configuration_versions import ConfigurationVersion
from app.models.environments import Environment
from app.models.idempotency_keys import IdempotencyKey
from app.models.images import Image
from app.models.invitations import Invitation, InvitationMessage
from app.models.log_chunks import LogChunk
from app.models.notification_configurations import NotificationConfiguration
from app.models.organization_memberships import OrganizationMembership
from app.models.organizations import Organization
from app.models.plans import Plan
from app.models.policies import (
    Policy,
    PolicySet,
    PolicySetParameter,
    PolicySetPolicy,
    PolicySetProject,
    PolicySetProjectExclusion,
    PolicySetWorkspace,
    PolicySetWorkspaceExclusion,
)
from app.models.policy_evaluations import PolicyEvaluation
from app.models.policy_set_outcomes import PolicySetOutcome
from app.models.project_members import ProjectMember
from app.models.projects import Project
from app.models.recoverable_items import RecoverableItem, RecoverableObject, RecoverableRows
from app.models.repository_links import RepositoryLink
from app.models.request_counts import RequestCount
from app.models.reserved_tag_keys import ReservedTagKey
from app.models.run_events import RunEvent
from app.models.run_jobs import RunJob
from app.models.run_tasks import RunTask, TaskResult, TaskResultOutcome, WorkspaceTask
from app.models.run_triggers import RunTrigger
from app.models.runs import Run
from app.models.service_marks import ServiceMark
from app.models.sign_in import AuthorizationCode, SignInAttempt, SignInSession
from app.models.ssh_keys import SshKey
from app.models.state_versions import StateVersion, StateVersionOutput
from app.models.tag_bindings import TagBinding
from app.models.task_stages import TaskStage
from app.models.team_projects import TeamProject
from app.models.team_workspaces import TeamWorkspace
from app.models.teams import Team, TeamMember
from app.models.token_ttl_policies import TokenTtlPolicy
from app.models.users import User
from app.models.vars import Var
from app.models.varsets import Varset, VarsetProject, VarsetWorkspace
from app.models.workspace_acl_entries import WorkspaceAclEntry
from app.models.workspaces import RemoteStateConsumer, Workspace
from app.storage.ledger import StoredObject

__all__ = [
    "ActivityEvent",
    "Agent",
    "AgentPool",
    "AllowedProject",
    "AllowedWorkspace",
    "Apply",
    "AssessmentResult",
    "AuthenticationToken",
    "AuthorizationCode",
    "BackgroundTask",
    "Comment",
    "ConfigurationVersion",
    "Environment",
    "ExcludedWorkspace",
    "IdempotencyKey",
    "Image",
    "Invitation",
    "InvitationMessage",
    "LogChunk",
    "NotificationConfiguration",
    "Organization",
    "OrganizationMembership",
    "Plan",
    "Policy",
    "PolicyEvaluation",
    "PolicySet",
    "PolicySetOutcome",
    "PolicySetParameter",
    "PolicySetPolicy",
    "PolicySetProject",
    "PolicySetProjectExclusion",
    "PolicySetWorkspace",
    "PolicySetWorkspaceExclusion",
    "Project",
    "ProjectMember",
    "RecoverableItem",
    "RecoverableObject",
    "RecoverableRows",
    "RemoteStateConsumer",
    "RepositoryLink",
    "RequestCount",
    "ReservedTagKey",
    "Run",
    "RunEvent",
    "RunJob",
    "RunTask",
    "RunTrigger",
    "ServiceMark",
    "SignInAttempt",
    "SignInSession",
    "SshKey",
    "StateVersion",
    "StateVersionOutput",
    "StoredObject",
    "TagBinding",
    "TaskResult",
    "TaskResultOutcome",
    "TaskStage",
    "Team",
    "TeamMember",
    "TeamProject",
    "TeamWorkspace",
    "TokenTtlPolicy",
    "User",
    "Var",
    "Varset",
    "VarsetProject",
    "VarsetWorkspace",
    "Workspace",
    "WorkspaceAclEntry",
    "WorkspaceTask",
]
