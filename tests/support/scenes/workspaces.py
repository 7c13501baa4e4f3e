"""Workspaces with their state, variables, variable sets and tags, and teams with tokens."""

import secrets
from collections.abc import Iterator
from typing import Any, ClassVar
from urllib.parse import urlsplit

from sqlalchemy.orm import Session

from app.models import (
    AuthenticationToken,
    StateVersion,
    TagBinding,
    Var,
    Varset,
    VarsetProject,
    VarsetWorkspace,
    Workspace,
)
from tests.support.api import document
from tests.support.personas import table
from tests.support.scenes.scene import Cost, Scene
from tests.support.statement_costs import Request
from tests.support.states import OUTPUTS, States, announcement, state

TABLES = (
    "authentication_tokens",
    "projects",
    "state_version_outputs",
    "state_versions",
    "tag_bindings",
    "team_projects",
    "team_workspaces",
    "vars",
    "varset_projects",
    "varset_workspaces",
    "varsets",
    "workspaces",
)

BY_NAME = "filter[organization][name]=acme&filter[workspace][name]=net"
OF_TEAMS = "/teams/TEAM/authentication-tokens"
WORKSPACES = "/organizations/acme/workspaces"

PATHS = [
    "/workspaces/WORKSPACE",
    "/workspaces/WORKSPACE?include=outputs,current_state_version,effective_tag_bindings",
    f"{WORKSPACES}/net",
    WORKSPACES,
    f"{WORKSPACES}?sort=-name",
    f"{WORKSPACES}?sort=-latest-change-at",
    f"{WORKSPACES}?page[number]=3",
    f"{WORKSPACES}?search[name]=net",
    f"{WORKSPACES}?search[wildcard-name]=n*",
    f"{WORKSPACES}?search[tags]=blue",
    f"{WORKSPACES}?search[exclude-tags]=blue",
    f"{WORKSPACES}?filter[tagged][0][key]=env&filter[tagged][0][value]=prod",
    f"{WORKSPACES}?filter[project][id]=PROJECT",
    f"{WORKSPACES}?filter[environment]=ENVIRONMENT",
    f"{WORKSPACES}?filter[cell]=east",
    "/projects/PROJECT/workspaces?filter[names]=net",
    f"{WORKSPACES}?include=project,organization,outputs,current_state_version",
    f"{WORKSPACES}?include=vars",
    "/projects/PROJECT/workspaces",
    "/projects/PROJECT/workspaces?sort=-name&page[number]=2&search[name]=net",
    "/projects/PROJECT/workspaces?filter[environment]=ENVIRONMENT",
    "/projects/PROJECT/workspaces/WORKSPACE",
    "/workspaces",
    "/workspaces?sort=-name&page[number]=2",
    "/workspaces?filter[organization]=acme&search[name]=net",
    "/workspaces?filter[environment]=ENVIRONMENT&sort=-name",
    "/workspaces/WORKSPACE/tag-bindings",
    "/workspaces/WORKSPACE/effective-tag-bindings",
    "/workspaces/WORKSPACE/relationships/tags?name=b",
    "/workspaces/WORKSPACE/relationships/remote-state-consumers",
    "/organizations/acme/tags",
    f"/state-versions?{BY_NAME}",
    f"/state-versions?{BY_NAME}&filter[status]=finalized&page[number]=2",
    f"/state-versions?{BY_NAME}&include=created_by,outputs",
    "/state-versions/VERSION",
    "/state-versions/VERSION?include=outputs",
    "/state-versions/VERSION/outputs",
    "/state-version-outputs/OUTPUT",
    "/workspaces/WORKSPACE/current-state-version",
    "/workspaces/WORKSPACE/current-state-version-outputs",
    "/workspaces/WORKSPACE/resources",
    "/workspaces/WORKSPACE/vars",
    "/workspaces/WORKSPACE/all-vars",
    f"/vars?{BY_NAME}",
    "/workspaces/WORKSPACE/varsets",
    "/workspaces/WORKSPACE/applicable-varsets",
    "/workspaces/WORKSPACE/varsets/VARSET/relationships/vars",
    "/projects/PROJECT/varsets",
    "/organizations/acme/varsets",
    "/organizations/acme/varsets?q=a&include=vars,workspaces,projects",
    "/varsets/VARSET",
    "/varsets/VARSET/relationships/vars",
    "/organizations/acme/team-tokens",
    OF_TEAMS,
]
# The caller is one statement; what teams were granted is another, for who is in a team.
READS = table(f"""
                                                                | owner token member
/state-versions/VERSION                                         | 2     2     3
/state-versions/VERSION?include=outputs                         | 4     4     5
/state-versions/VERSION?include=created_by,outputs              | 5     5     6
/state-versions/VERSION/outputs                                 | 3     3     4
/state-version-outputs/OUTPUT                                   | 2     2     3
/state-versions?{BY_NAME}                                       | 3     3     4
/state-versions?{BY_NAME}&include=created_by,outputs            | 6     6     7
/workspaces/WORKSPACE?include=outputs,current_state_version     | 5     5     6
/workspaces/WORKSPACE/current-state-version                     | 2     2     3
/workspaces/WORKSPACE/current-state-version-outputs             | 3     3     4
/workspaces/WORKSPACE/resources                                 | 3     3     4
/workspaces/WORKSPACE/vars                                      | 2     2     3
/workspaces/WORKSPACE/all-vars                                  | 4     4     5
/vars?{BY_NAME}                                                 | 3     3     4
/workspaces/WORKSPACE/varsets                                   | 4     4     5
/workspaces/WORKSPACE/applicable-varsets                        | 4     4     5
/workspaces/WORKSPACE/varsets/VARSET/relationships/vars         | 4     4     5
/projects/PROJECT/varsets                                       | 4     4     5
/organizations/acme/varsets                                     | 3     3     4
/organizations/acme/varsets?include=vars,workspaces,projects    | 7     7     8
/organizations/acme/varsets?include=parent                      | 5     5     6
/varsets/VARSET                                                 | 3     3     4
/varsets/VARSET?include=vars,workspaces,projects                | 7     7     8
/varsets/VARSET/relationships/vars                              | 3     3     4
/workspaces/WORKSPACE/relationships/tags                        | 3     3     4
/organizations/acme/tags                                        | 2     2     3
/teams/TEAM/authentication-token                                | 3     3     4
/teams/TEAM/authentication-tokens                               | 3     3     4
/organizations/acme/team-tokens                                 | 2     2     3
""")

OF_KINDS: dict[str, dict[str, Cost]] = {
    # Each object that is stored is entered in the ledger, and claimed there.
    "state": {
        # caller, lock, the latest versions, insert, event
        "announce a state": (5, 4),
        # the version, who got the address, lock, the latest versions; it, the line of the next object, outputs, others
        "upload a state": (8, 7),
        "upload the JSON form of a state": (6, 5),
        "send a state in the document": (13, 11),
        "roll back": (15, 14),
    },
    "variables": {
        "create a variable": (6, 5),  # caller, lock, insert, event, how many there are, show
        "update a variable": 7,
        "update variables": 6,
        "delete a variable": 5,
    },
    "sets": {
        "create a set with variables and places": 12,
        "update a set with variables and places": 14,
        "add a variable to a set": 7,
        "update a variable of a set": 8,
        "apply a set to workspaces": 7,
        "remove a set from workspaces": 7,
        "delete a set": 4,
    },
    "tags": {
        "add plain tags": 6,
        "remove plain tags": 5,
        "remove tags from all workspaces": 6,
        "give a tag to workspaces": 7,
    },
    "tokens": {
        "create a token of a team": 7,
        "replace the token of a team": 9,
        "revoke the token of a team": 5,
        "revoke tokens of teams": 4,
    },
}


class Workspaces(Scene):
    """A workspace with a state, variables, sets and tags, and a team with tokens that administers it."""

    TABLES: ClassVar = TABLES
    PATHS: ClassVar = PATHS
    READS: ClassVar = READS
    SIZES: ClassVar = (1, 150)
    WRITES: ClassVar = {write: count for writes in OF_KINDS.values() for write, count in writes.items()}

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        world, acme = self.world, self.organization
        project = world.project(acme)
        environment = world.default_environment(project)
        self.workspace = world.workspace(project, "net", cell="eu")
        self.states = States(self.api, self.workspace, self.tokens["owner"])
        self.is_locked = False
        self.team = world.team(acme, "manage-teams", visibility="organization")
        self.varset = world.varset(acme)
        world.workspace_access(self.team, self.workspace, "admin")
        world.team_token(self.team)
        world.add(VarsetWorkspace(varset_id=self.varset.id, workspace_id=self.workspace.id))
        self.tokens |= {"token": world.token(acme), "member": world.member(acme, self.team).token}
        places: dict[str, dict[str, Any]] = {
            "in a project": {},
            "in an environment": {"environment": environment},
            "in a cell": {"cells": ["eu"]},
            "in both": {"environment": environment, "cells": ["eu"]},
        }
        for who, place in places.items():
            person = world.person()
            world.project_member(project, person, "admin", **place)
            self.tokens[who] = person.token
        self.serial = 0
        self.count = 0
        self.fill(1)

    def may_read(self, path: str, who: str) -> bool:
        """Roles in projects manage no tokens of teams; only people have a list of all workspaces that they reach."""
        if path in {OF_TEAMS, "/organizations/acme/team-tokens"}:
            return who in {"owner", "token", "member"}
        return who != "token" or (not path.startswith("/workspaces?") and path != "/workspaces")

    def fill(self, count: int) -> None:
        """Add so many of everything; the current state gets so many outputs and resources."""
        if self.is_locked:
            self.states.force_unlock()
            self.is_locked = False
        names = [f"x{self.count + index:05}" for index in range(count)]
        self.count += count
        with Session(self.engine) as session, session.begin():
            for rows in self._rows(names):
                session.add_all(rows)
                session.flush()
        for name in names[:100]:
            self.world.team_token(self.team, name)
        outputs = OUTPUTS | {name: {"value": name, "type": "string"} for name in names}
        version = self.states.save(self.next_state(outputs=outputs, resources=count))
        found = self.states.api.get(f"/state-versions/{version['data']['id']}/outputs", self.states.token)
        self.ids = {
            "WORKSPACE": self.workspace.id,
            "PROJECT": self.workspace.project_id,
            "ENVIRONMENT": self.workspace.environment_id,
            "VERSION": version["data"]["id"],
            "OUTPUT": found["data"][0]["id"],
            "VARSET": self.varset.id,
            "TEAM": self.team.id,
        }

    def next_state(self, **members: Any) -> bytes:
        """A state that follows the last one."""
        self.serial += 1
        return state(self.serial, **members)

    def _rows(self, names: list[str]) -> Iterator[list[Any]]:
        here = self.here
        its = {**here, "workspace_id": self.workspace.id}
        # The numbers from 1 belong to the states that are sent.
        old = {"serial": 0, "md5": "0" * 32, "status": "discarded"}
        yield [StateVersion(**its, number=-int(name[1:]) - 1, **old) for name in names]
        yield [Var(**its, key=name, category="env", value=name) for name in names]
        yield [Var(**here, varset_id=self.varset.id, key=name, category="env", value=name) for name in names]
        sets = [Varset(**here, name=name) for name in names]
        yield sets
        yield [VarsetWorkspace(varset_id=each.id, workspace_id=self.workspace.id) for each in sets]
        yield [VarsetProject(varset_id=each.id, project_id=self.workspace.project_id) for each in sets]
        yield [Var(**here, varset_id=each.id, key="shared", category="env", value="") for each in sets]
        place = {"project_id": self.workspace.project_id, "environment_id": self.workspace.environment_id}
        workspaces = [Workspace(**here, **place, name=name) for name in names]
        yield workspaces
        yield [TagBinding(**here, workspace_id=each.id, key=each.name, value="") for each in workspaces]
        yield [TagBinding(**its, key=name, value="") for name in names[:20]]

    def request(self, write: str, count: int) -> Request:
        """The request of this name for so many of what it is about; the workspace is locked from the first on."""
        if not self.is_locked:
            self.states.lock()
            self.is_locked = True
        kind = next(kind for kind, writes in OF_KINDS.items() if write in writes)
        request: Request = getattr(self, f"_of_{kind}")(write, count)
        return request

    def _of_state(self, write: str, count: int) -> Request:
        states = self.states
        outputs = {f"o{index}": {"value": index, "type": "number"} for index in range(count)}
        content = self.next_state(outputs=outputs, resources=count)
        path = f"/workspaces/{self.workspace.id}/state-versions"
        if write == "roll back":
            to = document("state-versions", rollback_state_version=("state-versions", self.ids["VERSION"]))
            return "PATCH", path, to
        if write == "announce a state":
            return "POST", path, announcement(content)
        if write == "send a state in the document":
            return "POST", path, announcement(content, is_inline=True)
        part = "json-state" if "JSON" in write else "state"
        address = states.create(content)["data"]["attributes"][f"hosted-{part}-upload-url"]
        return "PUT", urlsplit(address).path, content

    def _of_variables(self, write: str, count: int) -> Request:
        variables = [self._variable(workspace_id=self.workspace.id) for _ in range(count)]
        path, one = f"/workspaces/{self.workspace.id}/vars", f"/workspaces/{self.workspace.id}/vars/{variables[0].id}"
        change = {"value": "other"}
        batch = [{"type": "vars", "id": each.id, "attributes": change} for each in variables]
        requests: dict[str, Request] = {
            "create a variable": ("POST", path, document("vars", {"key": self._name(), "category": "env"})),
            "update a variable": ("PATCH", one, document("vars", change)),
            "update variables": ("PATCH", f"/workspaces/{self.workspace.id}/relationships/vars", {"data": batch}),
            "delete a variable": ("DELETE", one, None),
        }
        return requests[write]

    def _of_sets(self, write: str, count: int) -> Request:
        varset = self.world.varset(self.organization)
        held = [self._variable(varset_id=varset.id) for _ in range(count)]
        workspaces = [("workspaces", each.id) for each in self._workspaces(count)]
        new = [{"type": "vars", "attributes": {"key": self._name(), "category": "env"}} for _ in range(count)]
        whole = document("varsets", {"name": self._name()}, vars=new, workspaces=workspaces)
        path = f"/varsets/{varset.id}"
        of_set, one = f"{path}/relationships/vars", f"{path}/relationships/vars/{held[0].id}"
        places = (
            f"{path}/relationships/workspaces",
            {"data": [{"type": "workspaces", "id": i} for _, i in workspaces]},
        )
        if write.startswith("remove"):
            self.states.api.post(places[0], self.states.token, places[1], expect=204)
        requests: dict[str, Request] = {
            "create a set with variables and places": ("POST", "/organizations/acme/varsets", whole),
            "update a set with variables and places": ("PATCH", path, whole),
            "add a variable to a set": ("POST", of_set, document("vars", {"key": self._name(), "category": "env"})),
            "update a variable of a set": ("PATCH", one, document("vars", {"value": "other"})),
            "apply a set to workspaces": ("POST", *places),
            "remove a set from workspaces": ("DELETE", *places),
            "delete a set": ("DELETE", path, None),
        }
        return requests[write]

    def _of_tags(self, write: str, count: int) -> Request:
        workspaces = self._workspaces(count)
        names = [self._name() for _ in range(min(count, 20))]
        known = [self._tag(each, name) for each in workspaces for name in names[:2]]
        ids = [{"type": "tags", "id": identifier} for identifier in dict.fromkeys(known)]
        (other,) = self._workspaces(1)
        elsewhere = [{"type": "workspaces", "id": each.id} for each in self._workspaces(count)]
        listed = {"data": [{"type": "tags", "attributes": {"name": name}} for name in names]}
        requests: dict[str, Request] = {
            "add plain tags": ("POST", f"/workspaces/{other.id}/relationships/tags", listed),
            "remove plain tags": ("DELETE", f"/workspaces/{workspaces[0].id}/relationships/tags", listed),
            "remove tags from all workspaces": ("DELETE", "/organizations/acme/tags", {"data": ids}),
            "give a tag to workspaces": ("POST", f"/tags/{known[0]}/relationships/workspaces", {"data": elsewhere}),
        }
        return requests[write]

    def _of_tokens(self, write: str, count: int) -> Request:
        team = self.world.team(self.organization)
        for name in (None, *(self._name() for _ in range(count))):
            self.world.team_token(team, name)
        ids = [each.id for each in self.world.all(AuthenticationToken) if each.team_id == team.id]
        listed = {"data": [{"type": "authentication-tokens", "id": identifier} for identifier in ids]}
        path, new = f"/teams/{team.id}/authentication-token", {"description": self._name()}
        requests: dict[str, Request] = {
            "create a token of a team": ("POST", f"{path}s", document("authentication-tokens", new)),
            "replace the token of a team": ("POST", path, None),
            "revoke the token of a team": ("DELETE", path, None),
            "revoke tokens of teams": ("DELETE", "/organizations/acme/team-tokens", listed),
        }
        return requests[write]

    def _name(self) -> str:
        return f"made-{secrets.token_hex(6)}"

    def _variable(self, **where: str) -> Var:
        return self.world.add(Var(**self.here, **where, key=self._name(), category="env", value=""))

    def _workspaces(self, count: int) -> list[Workspace]:
        project = self.world.project(self.organization)
        return [self.world.workspace(project) for _ in range(count)]

    def _tag(self, workspace: Workspace, name: str) -> str:
        tag = self.world.add(TagBinding(**self.here, workspace_id=workspace.id, key=name, value=""))
        return str(tag.tag_id)
