"""Sections: the lists of things below an organization, a project or a workspace, and their settings.

All have the same pages: a table, a form for a new one, and a form and a button for each. A table here says what is in
them, and the description of the API says what can be set.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

ORGANIZATION, PROJECT, WORKSPACE = "organization", "project", "workspace"
TEAM, AGENT_POOL, VARSET = "team", "agent_pool", "varset"
POLICY, POLICY_SET = "policy", "policy_set"
ENTRIES: Final = {
    TEAM: "teams",
    AGENT_POOL: "agent-pools",
    VARSET: "variable-sets",
    POLICY: "policies",
    POLICY_SET: "policy-sets",
}
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
    search: str = "q"
    """The parameter of that list which searches by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One list. Paths are those of the API's description; a path that is empty means that there is no such route.

    A column is an attribute, or an attribute of a relationship that is included: ``user.username``. ``own`` is the
    relationship of a new one to the thing it is below, if the address does not say it.
    """

    title: str
    text: str
    type: str
    columns: Mapping[str, str]
    list_path: str = ""
    related: str = ""
    """Instead of a path: the relationship of the thing it is below, whose resources the list shows."""
    create_path: str = ""
    item_path: str = ""
    delete_path: str = ""
    include: str = ""
    query: Mapping[str, str] = field(default_factory=dict)
    choices: tuple[Choice, ...] = ()
    own: str = ""
    may: str = ""
    """Says who may create, change and delete: a flag of ``permissions``, of the thing it is below or of the
    organization, or the name of a permission in the organization. Empty if whoever sees the list may do all that."""
    may_change: str = "can-update"
    may_delete: str = "can-destroy"
    """The same for one entry, where the entry has ``permissions`` of its own."""
    seen: str = ""
    """The flag of ``permissions``, of the thing it is below, without which the list is not to be seen, if there is one:
    then it has no tab."""
    left_out: frozenset[str] = frozenset()
    """Attributes that have no field in the forms."""
    code_path: str = ""
    """Where the text of a new one is uploaded, if it has one."""
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
PROJECT_CHOICE: Final = Choice("projects", PROJECTS, "projects", is_many=True)
WORKSPACE_CHOICE: Final = Choice("workspaces", WORKSPACES, "workspaces", is_many=True, search="search[name]")
POLICY_CHOICE: Final = Choice(
    "policies", "/organizations/{organization}/policies", "policies", is_many=True, search="search[name]"
)
TOKEN_COLUMNS: Final = {
    "Description": "description",
    "Created": "created-at",
    "Last used": "last-used-at",
    "Expires": "expired-at",
}
NOTIFICATION_COLUMNS: Final = {
    "Name": "name",
    "Kind": "destination-type",
    "Enabled": "enabled",
    "Address": "url",
    "Last answer": "delivery-responses",
}


def notifications(path: str) -> Section:
    """The section of notifications of one kind of thing."""
    return Section(
        title="Notifications",
        text="Webhooks, chats and mailboxes that are told what happens.",
        type="notification-configurations",
        list_path=path,
        create_path=path,
        item_path="/notification-configurations/{configuration_id}",
        delete_path="/notification-configurations/{configuration_id}",
        columns=NOTIFICATION_COLUMNS,
    )
