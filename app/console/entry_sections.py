"""The sections of entries of an organization's sections: of teams, agent pools and variable sets."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from app.console.section import (
    AGENT_POOL,
    POLICY,
    POLICY_CHOICE,
    POLICY_SET,
    PROJECT_CHOICE,
    TEAM,
    TOKEN_COLUMNS,
    VARSET,
    WORKSPACE_CHOICE,
    Choice,
    Section,
    notifications,
)

POLICY_COLUMNS: Final = {"Name": "name", "Level": "enforcement-level", "Changed": "updated-at"}


def linked(
    name: str, text: str, choice: Choice, columns: Mapping[str, str] = MappingProxyType({"Name": "name"})
) -> Section:
    """The section of what a policy set has in one relationship."""
    path = f"/policy-sets/{{policy_set_id}}/relationships/{name}"
    return Section(
        title=name.replace("-", " ").capitalize(),
        text=text,
        is_main=True,
        type=choice.type,
        related=name,
        create_path=path,
        delete_path=path,
        may="policy:manage",
        is_relationship=True,
        columns=columns,
        choices=(choice,),
    )


ENTRY_SECTIONS: Final[Mapping[str, Mapping[str, Section]]] = {
    TEAM: {
        "members": Section(
            title="Members",
            text="People in this team.",
            may="can-update-membership",
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
        "notifications": notifications("/teams/{team_id}/notification-configurations"),
    },
    AGENT_POOL: {
        "agents": Section(
            title="Agents",
            text="The agents of this pool, those that were heard last first.",
            may="can-update-agent-pools",
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
            may="can-update",
            is_main=True,
            type="vars",
            list_path="/varsets/{varset_id}/relationships/vars",
            create_path="/varsets/{varset_id}/relationships/vars",
            item_path="/varsets/{varset_id}/relationships/vars/{var_id}",
            delete_path="/varsets/{varset_id}/relationships/vars/{var_id}",
            columns={"Key": "key", "Value": "value", "Kind": "category", "Sensitive": "sensitive"},
        ),
    },
    # Its text has a page of its own.
    POLICY: {},
    POLICY_SET: {
        "policies": linked("policies", "The policies of this set.", POLICY_CHOICE, POLICY_COLUMNS),
        "projects": linked("projects", "Projects in whose workspaces this set counts.", PROJECT_CHOICE),
        "workspaces": linked("workspaces", "Workspaces in which this set counts.", WORKSPACE_CHOICE),
        "project-exclusions": linked(
            "project-exclusions", "Projects in whose workspaces this set does not count.", PROJECT_CHOICE
        ),
        "workspace-exclusions": linked(
            "workspace-exclusions", "Workspaces in which this set does not count.", WORKSPACE_CHOICE
        ),
    },
}
