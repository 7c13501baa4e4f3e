"""Sections: the lists of things below an organization, a project or a workspace, and their settings.

All have the same pages: a table, a form for a new one, and a form and a button for each. A table here says what is in
them, and the description of the API says what can be set.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

ORGANIZATION, PROJECT, WORKSPACE = "organization", "project", "workspace"
TEAM, AGENT_POOL, VARSET = "team", "agent_pool", "varset"
ENTRIES: Final = {TEAM: "teams", AGENT_POOL: "agent-pools", VARSET: "variable-sets"}
"""The sections of an organization whose entries have sections of their own."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A relationship that a new one takes: the list it is chosen from, and the attribute that names its entries."""

    name: str
    path: str
    type: str
    shown: str = "name"
    is_many: bool = False
    is_required: bool = True
    label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One list. Paths are those of the API's description; a path that is empty means that there is no such route.

    A column is an attribute, or an attribute of a relationship that is included: ``user.username``. ``own`` is the
    relationship of a new one to the thing it is below, if the address does not say it.
    """

    title: str
    text: str
    type: str
    list_path: str
    columns: Mapping[str, str]
    create_path: str = ""
    item_path: str = ""
    delete_path: str = ""
    include: str = ""
    query: Mapping[str, str] = field(default_factory=dict)
    choices: tuple[Choice, ...] = ()
    own: str = ""
    shows_token: bool = False
    is_relationship: bool = False
    """Whether a new one is only linked, by its id; ``create_path`` is then that of the relationship."""
    entries: str = ""
    """The kind of sections that each of the list has, if it has any."""
    is_main: bool = False
    """Whether it is shown beside the overview, and not below the settings."""
    filters: Mapping[str, str] = field(default_factory=dict)
    """The parameters of the list that people may fill in, by their labels."""


TEAMS: Final = "/organizations/{organization}/teams"
PROJECTS: Final = "/organizations/{organization}/projects"
WORKSPACES: Final = "/organizations/{organization}/workspaces"
TOKEN_COLUMNS: Final = {
    "Description": "description",
    "Created": "created-at",
    "Last used": "last-used-at",
    "Expires": "expired-at",
}
NOTIFICATION_COLUMNS: Final = {"Name": "name", "Kind": "destination-type", "Enabled": "enabled", "Address": "url"}
ACTIVITY_COLUMNS: Final = {
    "When": "created-at",
    "What": "action",
    "On": "subject.name",
    "By": "actor.name",
    "Changes": "changes",
}
ACTIVITY_FILTERS: Final = {
    "Action, such as workspaces.*": "filter[action]",
    "Who": "filter[actor]",
    "From": "filter[from]",
    "To": "filter[to]",
}


def _notifications(path: str) -> Section:
    return Section(
        title="Notifications",
        text="Who is told what happens: webhooks, chats and mail.",
        type="notification-configurations",
        list_path=path,
        create_path=path,
        item_path="/notification-configurations/{configuration_id}",
        delete_path="/notification-configurations/{configuration_id}",
        columns=NOTIFICATION_COLUMNS,
    )


SECTIONS: Final[Mapping[str, Mapping[str, Section]]] = {
    ORGANIZATION: {
        "members": Section(
            title="Members",
            is_main=True,
            text="People in the organization, and those who are invited.",
            type="organization-memberships",
            list_path="/organizations/{organization}/organization-memberships",
            create_path="/organizations/{organization}/organization-memberships",
            delete_path="/organization-memberships/{membership_id}",
            include="user",
            columns={"Name": "user.username", "E-mail": "email", "Status": "status", "Since": "created-at"},
            choices=(Choice("teams", TEAMS, "teams", is_many=True, is_required=False),),
        ),
        "teams": Section(
            title="Teams",
            is_main=True,
            text="Teams get access to projects and workspaces, and rights in the whole organization.",
            type="teams",
            list_path=TEAMS,
            create_path=TEAMS,
            item_path="/teams/{team_id}",
            entries=TEAM,
            delete_path="/teams/{team_id}",
            columns={"Name": "name", "Seen by": "visibility", "Members": "users-count"},
        ),
        "variable-sets": Section(
            title="Variable sets",
            text="Variables for many workspaces.",
            type="varsets",
            list_path="/organizations/{organization}/varsets",
            create_path="/organizations/{organization}/varsets",
            item_path="/varsets/{varset_id}",
            entries=VARSET,
            delete_path="/varsets/{varset_id}",
            columns={
                "Name": "name",
                "In all workspaces": "global",
                "Wins": "priority",
                "Variables": "var-count",
                "Workspaces": "workspace-count",
            },
            choices=(
                Choice("projects", PROJECTS, "projects", is_many=True, is_required=False),
                Choice("workspaces", WORKSPACES, "workspaces", is_many=True, is_required=False),
            ),
        ),
        "agent-pools": Section(
            title="Agent pools",
            text="Agents on your own machines, which run Terraform.",
            type="agent-pools",
            list_path="/organizations/{organization}/agent-pools",
            create_path="/organizations/{organization}/agent-pools",
            item_path="/agent-pools/{agent_pool_id}",
            entries=AGENT_POOL,
            delete_path="/agent-pools/{agent_pool_id}",
            columns={
                "Name": "name",
                "Agents": "agent-count",
                "For all workspaces": "organization-scoped",
                "Runs at once": "max-concurrent-runs",
            },
        ),
        "policies": Section(
            title="Policies",
            text="Rules about plans, in Rego.",
            type="policies",
            list_path="/organizations/{organization}/policies",
            item_path="/policies/{policy_id}",
            delete_path="/policies/{policy_id}",
            columns={"Name": "name", "Kind": "kind", "Level": "enforcement-level", "Changed": "updated-at"},
        ),
        "policy-sets": Section(
            title="Policy sets",
            text="Which policies count where.",
            type="policy-sets",
            list_path="/organizations/{organization}/policy-sets",
            item_path="/policy-sets/{policy_set_id}",
            delete_path="/policy-sets/{policy_set_id}",
            columns={
                "Name": "name",
                "In all workspaces": "global",
                "Policies": "policy-count",
                "Workspaces": "workspace-count",
            },
        ),
        "run-tasks": Section(
            title="Run tasks",
            text="Services that are asked about runs.",
            type="tasks",
            list_path="/organizations/{organization}/tasks",
            create_path="/organizations/{organization}/tasks",
            item_path="/tasks/{task_id}",
            delete_path="/tasks/{task_id}",
            columns={"Name": "name", "Address": "url", "Enabled": "enabled"},
        ),
        "tags": Section(
            title="Reserved tags",
            text="Keys of tags that workspaces take over from their project.",
            type="reserved-tag-keys",
            list_path="/organizations/{organization}/reserved-tag-keys",
            create_path="/organizations/{organization}/reserved-tag-keys",
            item_path="/reserved-tag-keys/{key_id}",
            delete_path="/reserved-tag-keys/{key_id}",
            columns={"Key": "key", "Can't be overridden": "disable-overrides", "Created": "created-at"},
        ),
        "runs": Section(
            title="Runs",
            is_main=True,
            text="Runs in all workspaces, the newest first.",
            type="runs",
            list_path="/organizations/{organization}/runs",
            include="workspace",
            columns={"Workspace": "workspace.name", "Message": "message", "Status": "status", "Started": "created-at"},
        ),
        "activity": Section(
            title="Activity",
            is_main=True,
            text="Who did what, and when.",
            type="activity-events",
            list_path="/organizations/{organization}/activity-events",
            columns=ACTIVITY_COLUMNS,
            filters=ACTIVITY_FILTERS,
        ),
    },
    PROJECT: {
        "environments": Section(
            title="Environments",
            is_main=True,
            text="Parts of the project. Every workspace is in one of them.",
            type="environments",
            list_path="/projects/{project_id}/environments",
            create_path="/projects/{project_id}/environments",
            item_path="/environments/{environment_id}",
            delete_path="/environments/{environment_id}",
            columns={
                "Name": "name",
                "For people": "display-name",
                "Default": "is-default",
                "Workspaces": "workspace-count",
            },
        ),
        "members": Section(
            title="Members",
            is_main=True,
            text="People with a role in this project, or in a part of it.",
            type="project-members",
            list_path="/projects/{project_id}/members",
            create_path="/projects/{project_id}/members",
            item_path="/project-members/{member_id}",
            delete_path="/project-members/{member_id}",
            include="user,environment",
            columns={
                "Name": "user.username",
                "Role": "role",
                "Environment": "environment.name",
                "Cells": "cell-scopes",
            },
            choices=(Choice("environment", "/projects/{project_id}/environments", "environments", is_required=False),),
        ),
        "teams": Section(
            title="Teams",
            is_main=True,
            text="Teams with access to this project.",
            type="team-projects",
            list_path="/team-projects",
            query={"filter[project][id]": "{project_id}"},
            create_path="/team-projects",
            item_path="/team-projects/{team_project_id}",
            delete_path="/team-projects/{team_project_id}",
            columns={"Team": "team.name", "Access": "access"},
            choices=(Choice("team", TEAMS, "teams"),),
            own="project",
        ),
        "invitations": Section(
            title="Invitations",
            text="People who were invited by mail and have not answered yet.",
            type="invitations",
            list_path="/projects/{project_id}/invitations",
            create_path="/projects/{project_id}/invitations",
            delete_path="/invitations/{invitation_id}",
            columns={"E-mail": "email", "Role": "role", "Status": "status", "Expires": "expires-at"},
            choices=(Choice("environment", "/projects/{project_id}/environments", "environments", is_required=False),),
        ),
        "variable-sets": Section(
            title="Variable sets",
            text="Variable sets that count in this project. They are made in the organization's settings.",
            type="varsets",
            list_path="/projects/{project_id}/varsets",
            columns={"Name": "name", "Wins": "priority", "Variables": "var-count"},
        ),
        "notifications": _notifications("/projects/{project_id}/notification-configurations"),
        "links": Section(
            title="Repository links",
            text="Where the code is.",
            type="repository-links",
            list_path="/projects/{project_id}/repository-links",
            create_path="/projects/{project_id}/repository-links",
            item_path="/repository-links/{link_id}",
            delete_path="/repository-links/{link_id}",
            columns={"Name": "name", "Address": "url", "Since": "created-at"},
        ),
        "tokens": Section(
            title="Tokens",
            text="Tokens for pipelines, which may do what a role in this project may.",
            type="authentication-tokens",
            list_path="/projects/{project_id}/authentication-tokens",
            create_path="/projects/{project_id}/authentication-tokens",
            delete_path="/authentication-tokens/{token_id}",
            columns={**TOKEN_COLUMNS, "Role": "role"},
            shows_token=True,
        ),
        "activity": Section(
            title="Activity",
            is_main=True,
            text="What happened in this project.",
            type="activity-events",
            list_path="/projects/{project_id}/activity-events",
            columns=ACTIVITY_COLUMNS,
            filters=ACTIVITY_FILTERS,
        ),
    },
    WORKSPACE: {
        "access": Section(
            title="Access",
            is_main=True,
            text="People with a level of their own in this workspace.",
            type="workspace-acl-entries",
            list_path="/workspaces/{workspace_id}/acl",
            create_path="/workspaces/{workspace_id}/acl",
            item_path="/workspaces/{workspace_id}/acl/{entry_id}",
            delete_path="/workspaces/{workspace_id}/acl/{entry_id}",
            include="user",
            columns={"Name": "user.username", "Level": "level", "Since": "created-at"},
        ),
        "teams": Section(
            title="Teams",
            text="Teams with access to this workspace alone.",
            type="team-workspaces",
            list_path="/team-workspaces",
            query={"filter[workspace][id]": "{workspace_id}"},
            create_path="/team-workspaces",
            item_path="/team-workspaces/{team_workspace_id}",
            delete_path="/team-workspaces/{team_workspace_id}",
            columns={"Team": "team.name", "Access": "access"},
            choices=(Choice("team", TEAMS, "teams"),),
            own="workspace",
        ),
        "notifications": _notifications("/workspaces/{workspace_id}/notification-configurations"),
        "triggers": Section(
            title="Run triggers",
            text="An apply in one of these workspaces starts a run here.",
            type="run-triggers",
            list_path="/workspaces/{workspace_id}/run-triggers",
            query={"filter[run-trigger][type]": "inbound"},
            create_path="/workspaces/{workspace_id}/run-triggers",
            delete_path="/run-triggers/{trigger_id}",
            columns={"Workspace": "sourceable-name", "Since": "created-at"},
            choices=(Choice("sourceable", WORKSPACES, "workspaces", label="Workspace"),),
        ),
        "consumers": Section(
            title="Remote state consumers",
            text="Workspaces that may read the outputs and the state of this one.",
            type="workspaces",
            list_path="/workspaces/{workspace_id}/relationships/remote-state-consumers",
            create_path="/workspaces/{workspace_id}/relationships/remote-state-consumers",
            delete_path="/workspaces/{workspace_id}/relationships/remote-state-consumers",
            is_relationship=True,
            columns={"Workspace": "name"},
            choices=(Choice("workspace", WORKSPACES, "workspaces", is_many=True),),
        ),
        "activity": Section(
            title="Activity",
            is_main=True,
            text="What happened to this workspace.",
            type="activity-events",
            list_path="/workspaces/{workspace_id}/activity-events",
            columns=ACTIVITY_COLUMNS,
            filters=ACTIVITY_FILTERS,
        ),
    },
    TEAM: {
        "members": Section(
            title="Members",
            text="People in this team.",
            is_main=True,
            type="organization-memberships",
            list_path="/teams/{team_id}/relationships/organization-memberships",
            create_path="/teams/{team_id}/relationships/organization-memberships",
            delete_path="/teams/{team_id}/relationships/organization-memberships",
            is_relationship=True,
            columns={"E-mail": "email", "Status": "status"},
            choices=(
                Choice(
                    "member",
                    "/organizations/{organization}/organization-memberships",
                    "organization-memberships",
                    shown="email",
                    is_many=True,
                ),
            ),
        ),
        "tokens": Section(
            title="Tokens",
            text="Tokens that may do what the team may.",
            is_main=True,
            type="authentication-tokens",
            list_path="/teams/{team_id}/authentication-tokens",
            create_path="/teams/{team_id}/authentication-tokens",
            delete_path="/authentication-tokens/{token_id}",
            columns=TOKEN_COLUMNS,
            shows_token=True,
        ),
        "notifications": _notifications("/teams/{team_id}/notification-configurations"),
    },
    AGENT_POOL: {
        "agents": Section(
            title="Agents",
            text="The agents of this pool, those that were heard last first.",
            is_main=True,
            type="agents",
            list_path="/agent-pools/{agent_pool_id}/agents",
            delete_path="/agents/{agent_id}",
            columns={"Name": "name", "Status": "status", "Address": "ip-address", "Last heard": "last-ping-at"},
        ),
        "tokens": Section(
            title="Tokens",
            text="Tokens with which agents join the pool.",
            is_main=True,
            type="authentication-tokens",
            list_path="/agent-pools/{agent_pool_id}/authentication-tokens",
            create_path="/agent-pools/{agent_pool_id}/authentication-tokens",
            delete_path="/authentication-tokens/{token_id}",
            columns=TOKEN_COLUMNS,
            shows_token=True,
        ),
    },
    VARSET: {
        "variables": Section(
            title="Variables",
            text="The variables of this set.",
            is_main=True,
            type="vars",
            list_path="/varsets/{varset_id}/relationships/vars",
            create_path="/varsets/{varset_id}/relationships/vars",
            item_path="/varsets/{varset_id}/relationships/vars/{var_id}",
            delete_path="/varsets/{varset_id}/relationships/vars/{var_id}",
            columns={"Key": "key", "Value": "value", "Kind": "category", "Sensitive": "sensitive"},
        ),
    },
}
