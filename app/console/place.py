"""What a page with sections is about, and what the person may do there."""

from dataclasses import dataclass
from typing import Any, Final

from flask import url_for

from app.console.api import Resource, get, segment, send
from app.console.section import (
    AGENT_POOL,
    ENTRIES,
    ORGANIZATION,
    POLICY,
    POLICY_SET,
    PROJECT,
    TEAM,
    VARSET,
    WORKSPACE,
)
from app.console.workspaces import workspace_named
from app.jsonapi.errors import NotFound

SETTINGS: Final = "settings"
OWN_PATHS: Final = {
    ORGANIZATION: "/organizations/{organization}",
    PROJECT: "/projects/{project_id}",
    WORKSPACE: "/workspaces/{workspace_id}",
    TEAM: "/teams/{team_id}",
    AGENT_POOL: "/agent-pools/{agent_pool_id}",
    VARSET: "/varsets/{varset_id}",
    POLICY: "/policies/{policy_id}",
    POLICY_SET: "/policy-sets/{policy_set_id}",
}
# What takes the person to the settings of each kind of thing, as ``Section.may``.
SETTINGS_MAY: Final = {
    TEAM: "can-update-name",
    AGENT_POOL: "can-update-agent-pools",
    POLICY: "policy:manage",
    POLICY_SET: "policy:manage",
}


@dataclass(frozen=True, slots=True)
class Place:
    """The organization, project or workspace that a page is about."""

    kind: str
    organization: str
    shown: Resource

    @property
    def ids(self) -> dict[str, str]:
        """The variable parts of the API's paths."""
        return {"organization": self.organization, f"{self.kind}_id": self.shown.id}

    @property
    def own_path(self) -> str:
        """The path of the thing itself."""
        return OWN_PATHS[self.kind].format(**self.ids)

    def address(self, section: str, **values: str) -> str:
        """The address of one of its sections."""
        own = {PROJECT: {"project_id": self.shown.id}, WORKSPACE: {"workspace": self.shown.name}}.get(self.kind, {})
        place: dict[str, Any] = {**own, "organization": self.organization, "section": section, **values}
        if self.kind in ENTRIES:
            place |= {"entries": ENTRIES[self.kind], "entry_id": self.shown.id}
            return url_for("console.show_entry_section", **place)
        return url_for(f"console.show_{self.kind}_section", **place)

    def rights_of(self, subject: Resource | None) -> str:
        """The address of the page about what a person or a team may do here; empty where there is no such page."""
        own = {PROJECT: {"project_id": self.shown.id}, WORKSPACE: {"workspace": self.shown.name}}.get(self.kind)
        if own is None or subject is None:
            return ""
        place: dict[str, Any] = {**own, "organization": self.organization, "subject": subject.id}
        return url_for(f"console.explain_{self.kind}", **place)


def organization_place(organization: str) -> Place:
    """An organization."""
    return Place(ORGANIZATION, organization, get(f"/organizations/{organization}").one)


def project_place(organization: str, project_id: str) -> Place:
    """A project."""
    return Place(PROJECT, organization, get(f"/projects/{project_id}").one)


def workspace_place(organization: str, workspace: str, section: str = "") -> Place:
    """A workspace."""
    # The names of teams take two statements, so their page goes without the project's.
    return Place(
        WORKSPACE, organization, workspace_named(organization, workspace, "" if section == "teams" else "project")
    )


def entry_place(organization: str, entries: str, entry_id: str, include: str = "") -> Place:
    """A team, an agent pool, or another entry of an organization's section."""
    kind = next((kind for kind, name in ENTRIES.items() if name == entries), None)
    if kind is None:
        raise NotFound
    path = OWN_PATHS[kind].format(**{f"{kind}_id": segment(entry_id)})
    return Place(kind, organization, get(path, {"include": include} if include else {}).one)


def is_allowed(place: Place, wanted: str) -> bool:
    """Whether the person may do what a section is for: ``wanted`` is as ``Section.may``.

    The API says it: the document of the place, or that of its organization, or its explanation of a permission.
    """
    flags = place.shown.permissions or {}
    if not wanted or wanted in flags:
        return bool(flags.get(wanted, True))
    if ":" not in wanted:
        return get(f"/organizations/{place.organization}").one.may(wanted)
    resource = {"data": {"type": "organizations", "id": place.organization}}
    data = {
        "type": "permission-explanations",
        "attributes": {"permission": wanted},
        "relationships": {"resource": resource},
    }
    explained = send("POST", "/permissions/explain", {"data": data})
    return bool(explained and explained.one.allowed)
