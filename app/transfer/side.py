"""An organization at one end of a transfer: names of what ids stand for, and ids of what names stand for."""

from collections.abc import Mapping
from typing import Any, Protocol

from app.transfer.client import Api, Refused, Resource, attributes_of, path_part
from app.transfer.records import AGENT_POOLS, ENVIRONMENTS, PEOPLE, PROJECTS, TEAMS, WORKSPACES

FORBIDDEN = 403
# Where a single resource of a type is, and what it is called.
_NAMED: Mapping[str, tuple[str, str]] = {
    "environments": ("/environments/{}", "name"),
    "projects": ("/projects/{}", "name"),
    "teams": ("/teams/{}", "name"),
    "workspaces": ("/workspaces/{}", "name"),
    "agent-pools": ("/agent-pools/{}", "name"),
    "users": ("/users/{}", "email"),
}


class Secrets(Protocol):
    """Reads the values of sensitive variables, which the API shows to nobody."""

    def of(self, owner: str, identifier: str) -> Mapping[str, str]:
        """By the ids of variables: those of the workspace or the variable set with this id."""


class Side:
    """One organization of a service, and what is known of it."""

    def __init__(self, api: Api, organization: str, secrets: Secrets | None = None) -> None:
        """Nothing is asked yet."""
        self.api = api
        self.organization = organization
        self.secrets = secrets
        # The address of who is to own it, while there is only a plan to make it.
        self.planned_owner: str | None = None
        self._names: dict[tuple[str, str], str | None] = {}

    @property
    def path(self) -> str:
        """The path of the organization."""
        return f"/organizations/{path_part(self.organization)}"

    def name_of(self, identifier: Any) -> str | None:  # noqa: ANN401 - the linkage of a relationship
        """What the resource is called; None if it can't be seen, or none is named."""
        if not isinstance(identifier, dict):
            return None
        wanted = str(identifier["type"]), str(identifier["id"])
        if wanted not in self._names:
            path, attribute = _NAMED[wanted[0]]
            try:
                found = self.api.find(path.format(path_part(wanted[1])))
            except Refused as error:
                if error.status != FORBIDDEN:
                    raise
                found = None
            name = attributes_of(found["data"]).get(attribute) if found else None
            self.note_name(*wanted, name)
        return self._names[wanted]

    def note_name(self, type_: str, identifier: str, name: str | None) -> None:
        """Remember a name that an answer has told by the way."""
        self._names[type_, identifier] = name

    def id_of(self, kind: str, key: tuple[str, ...]) -> str | None:
        """The id of what is called so; None if it does not exist."""
        if kind == WORKSPACES:
            found = self.find_workspace(key[0])
            return str(found["id"]) if found else None
        if kind == ENVIRONMENTS:
            project = self.id_of(PROJECTS, key[:1])
            return project and self._named(f"/projects/{project}/environments", {"filter[name]": key[1]}, key[1])
        if kind == PROJECTS:
            return self._named(f"{self.path}/projects", {"filter[names]": key[0]}, key[0])
        if kind == TEAMS:
            return self._named(f"{self.path}/teams", {"filter[names]": key[0]}, key[0])
        if kind == AGENT_POOLS:
            return self._named(f"{self.path}/agent-pools", {}, key[0])
        return self._person(key[0]) if kind == PEOPLE else None

    def find_workspace(self, name: str) -> Resource | None:
        """The workspace with this name, if there is one."""
        found = self.api.find(f"{self.path}/workspaces/{path_part(name)}")
        return found["data"] if found else None

    def _named(self, path: str, query: dict[str, str], name: str) -> str | None:
        wanted = name.casefold()
        for each in self.api.every(path, query):
            if str(attributes_of(each).get("name")).casefold() == wanted:
                return str(each["id"])
        return None

    def _person(self, email: str) -> str | None:
        """The id of the user with this address, who must be an active member."""
        if self.planned_owner is not None and email.casefold() == self.planned_owner.casefold():
            return ""
        query = {"filter[email]": email, "filter[status]": "active"}
        for each in self.api.every(f"{self.path}/organization-memberships", query):
            user = ((each.get("relationships") or {}).get("user") or {}).get("data") or {}
            if str(attributes_of(each).get("email")).casefold() == email.casefold():
                return str(user["id"])
        return None
