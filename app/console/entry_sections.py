"""The sections of entries of an organization's sections: of teams, agent pools and variable sets."""

from collections.abc import Mapping
from typing import Final

from app.console.section import AGENT_POOL, TEAM, TOKEN_COLUMNS, VARSET, Choice, Section, notifications

ENTRY_SECTIONS: Final[Mapping[str, Mapping[str, Section]]] = {
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
        "notifications": notifications("/teams/{team_id}/notification-configurations"),
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
