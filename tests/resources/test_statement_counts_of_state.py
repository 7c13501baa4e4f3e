"""How many SQL statements a request for state, variables, variable sets, tags or tokens of teams sends.

As for projects and workspaces: these numbers are the baseline, and they are the same for one row and for many.
"""

import secrets
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from app.models import (
    AuthenticationToken,
    Organization,
    StateVersion,
    TagBinding,
    Var,
    Varset,
    VarsetProject,
    VarsetWorkspace,
    Workspace,
)
from tests.support.api import Api, document
from tests.support.personas import table
from tests.support.statement_costs import Request, Statements, cost
from tests.support.states import States, announcement, state
from tests.support.world import Person, World

BY_NAME = "filter[organization][name]=acme&filter[workspace][name]=net"

# The caller is one statement; what teams were granted is another, for who is in a team.
READS = table(f"""
                                                                | owner token member
/state-versions/VERSION                                         | 3     3     4
/state-versions/VERSION?include=outputs                         | 4     4     5
/state-versions/VERSION?include=created_by,outputs              | 5     5     6
/state-versions/VERSION/outputs                                 | 3     3     4
/state-version-outputs/OUTPUT                                   | 2     2     3
/state-versions?{BY_NAME}                                       | 3     3     4
/state-versions?{BY_NAME}&include=created_by,outputs            | 6     6     7
/workspaces/WORKSPACE?include=outputs,current_state_version     | 5     5     6
/workspaces/WORKSPACE/current-state-version                     | 4     4     5
/workspaces/WORKSPACE/current-state-version-outputs             | 3     3     4
/workspaces/WORKSPACE/resources                                 | 3     3     4
/workspaces/WORKSPACE/vars                                      | 3     3     4
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

WRITES = {
    # Each object that is stored is entered in the ledger, and claimed there.
    "state": {
        "announce a state": 11,
        "upload a state": 7,
        "upload the JSON form of a state": 6,
        "send a state in the document": 16,
        "roll back": 18,
    },
    "variables": {
        "create a variable": 6,
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
        "create a token of a team": 6,
        "replace the token of a team": 8,
        "revoke the token of a team": 5,
        "revoke tokens of teams": 4,
    },
}


class Place:
    """A workspace with a state, variables, sets and tags, and a team with tokens; more of everything when asked."""

    def __init__(self, world: World, engine: Engine, organization: Organization, states: States) -> None:
        self.world = world
        self.organization = organization
        self.states = states
        self.workspace = states.workspace
        self.team = world.team(organization, "manage-teams")
        world.workspace_access(self.team, self.workspace, "admin")
        self.varset = world.varset(organization)
        world.add(VarsetWorkspace(varset_id=self.varset.id, workspace_id=self.workspace.id))
        self.serial = 0
        self._engine = engine
        self._count = 0
        world.team_token(self.team)

    def fill(self, count: int) -> None:
        """Add so many of everything; the current state gets so many outputs and resources."""
        names = [f"x{self._count + index:05}" for index in range(count)]
        self._count += count
        with Session(self._engine) as session, session.begin():
            for rows in self._rows(names):
                session.add_all(rows)
                session.flush()
        for name in names[:100]:
            self.world.team_token(self.team, name)
        outputs = {name: {"value": name, "type": "string"} for name in names}
        version = self.states.save(self.next_state(outputs=outputs, resources=count))
        found = self.states.api.get(f"/state-versions/{version['data']['id']}/outputs", self.states.token)
        self.ids = {
            "VERSION": version["data"]["id"],
            "OUTPUT": found["data"][0]["id"],
            "WORKSPACE": self.workspace.id,
            "PROJECT": self.workspace.project_id,
            "VARSET": self.varset.id,
            "TEAM": self.team.id,
        }

    def next_state(self, **members: Any) -> bytes:
        """A state that follows the last one."""
        self.serial += 1
        return state(self.serial, **members)

    def addressed(self, path: str) -> str:
        """The path with ids for words."""
        for word, identifier in self.ids.items():
            path = path.replace(word, identifier)
        return path

    def _rows(self, names: list[str]) -> Iterator[list[Any]]:
        here = {"organization_id": self.organization.id}
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


@pytest.fixture
def place(world: World, engine: Engine, acme: Organization, states: States) -> Place:
    return Place(world, engine, acme, states)


@pytest.mark.parametrize("who", ["owner", "token", "member"])
def test_a_read_costs_the_same_whatever_there_is(
    api: Api, world: World, acme: Organization, place: Place, statements: Statements, who: str
) -> None:
    token = {
        "owner": lambda: world.owner(acme).token,
        "token": lambda: world.token(acme),
        "member": lambda: world.member(acme, place.team).token,
    }[who]()
    api.get("/organizations/acme", token)  # notes that the token was used, as it does every few minutes
    expected = {path: int(count) for path, column, count in READS if column == who}
    for added in (1, 60, 400):
        place.fill(added)
        costs = {path: cost(statements, api, token, ("GET", place.addressed(path), None)) for path in expected}
        assert costs == expected, f"with {added} more"


# --- writes --------------------------------------------------------------------------------------------------------


class Prepared:
    """The requests by name, for so many of what they are about; what each needs is made when it is asked for."""

    def __init__(self, place: Place, count: int) -> None:
        self.place = place
        self.world = place.world
        self.count = count
        self.here = {"organization_id": place.organization.id}
        self.its = f"/workspaces/{place.workspace.id}"

    def of_state(self, write: str) -> Request:
        place, states = self.place, self.place.states
        outputs = {f"o{index}": {"value": index, "type": "number"} for index in range(self.count)}
        content = place.next_state(outputs=outputs, resources=self.count)
        path = f"{self.its}/state-versions"
        if write == "roll back":
            to = document("state-versions", rollback_state_version=("state-versions", place.ids["VERSION"]))
            return "PATCH", path, to
        if write == "announce a state":
            return "POST", path, announcement(content)
        if write == "send a state in the document":
            return "POST", path, announcement(content, is_inline=True)
        part = "json-state" if "JSON" in write else "state"
        address = states.create(content)["data"]["attributes"][f"hosted-{part}-upload-url"]
        return "PUT", urlsplit(address).path, content

    def of_variables(self, write: str) -> Request:
        variables = [self.variable(workspace_id=self.place.workspace.id) for _ in range(self.count)]
        path, one = f"{self.its}/vars", f"{self.its}/vars/{variables[0].id}"
        change = {"value": "other"}
        batch = [{"type": "vars", "id": each.id, "attributes": change} for each in variables]
        requests: dict[str, Request] = {
            "create a variable": ("POST", path, document("vars", {"key": self.name(), "category": "env"})),
            "update a variable": ("PATCH", one, document("vars", change)),
            "update variables": ("PATCH", f"{self.its}/relationships/vars", {"data": batch}),
            "delete a variable": ("DELETE", one, None),
        }
        return requests[write]

    def of_sets(self, write: str) -> Request:
        varset = self.world.varset(self.place.organization)
        held = [self.variable(varset_id=varset.id) for _ in range(self.count)]
        workspaces = [("workspaces", each.id) for each in self.workspaces()]
        new = [{"type": "vars", "attributes": {"key": self.name(), "category": "env"}} for _ in range(self.count)]
        whole = document("varsets", {"name": self.name()}, vars=new, workspaces=workspaces)
        path = f"/varsets/{varset.id}"
        of_set, one = f"{path}/relationships/vars", f"{path}/relationships/vars/{held[0].id}"
        places = (
            f"{path}/relationships/workspaces",
            {"data": [{"type": "workspaces", "id": i} for _, i in workspaces]},
        )
        if write.startswith("remove"):
            self.place.states.api.post(places[0], self.place.states.token, places[1], expect=204)
        requests: dict[str, Request] = {
            "create a set with variables and places": ("POST", "/organizations/acme/varsets", whole),
            "update a set with variables and places": ("PATCH", path, whole),
            "add a variable to a set": ("POST", of_set, document("vars", {"key": self.name(), "category": "env"})),
            "update a variable of a set": ("PATCH", one, document("vars", {"value": "other"})),
            "apply a set to workspaces": ("POST", *places),
            "remove a set from workspaces": ("DELETE", *places),
            "delete a set": ("DELETE", path, None),
        }
        return requests[write]

    def of_tags(self, write: str) -> Request:
        workspaces = self.workspaces()
        names = [self.name() for _ in range(min(self.count, 20))]
        known = [self.tag(each, name) for each in workspaces for name in names[:2]]
        ids = [{"type": "tags", "id": identifier} for identifier in dict.fromkeys(known)]
        (other,) = self.workspaces(1)
        elsewhere = [{"type": "workspaces", "id": each.id} for each in self.workspaces()]
        listed = {"data": [{"type": "tags", "attributes": {"name": name}} for name in names]}
        requests: dict[str, Request] = {
            "add plain tags": ("POST", f"/workspaces/{other.id}/relationships/tags", listed),
            "remove plain tags": ("DELETE", f"/workspaces/{workspaces[0].id}/relationships/tags", listed),
            "remove tags from all workspaces": ("DELETE", "/organizations/acme/tags", {"data": ids}),
            "give a tag to workspaces": ("POST", f"/tags/{known[0]}/relationships/workspaces", {"data": elsewhere}),
        }
        return requests[write]

    def of_tokens(self, write: str) -> Request:
        team = self.world.team(self.place.organization)
        for name in (None, *(self.name() for _ in range(self.count))):
            self.world.team_token(team, name)
        ids = [each.id for each in self.world.all(AuthenticationToken) if each.team_id == team.id]
        listed = {"data": [{"type": "authentication-tokens", "id": identifier} for identifier in ids]}
        path, new = f"/teams/{team.id}/authentication-token", {"description": self.name()}
        requests: dict[str, Request] = {
            "create a token of a team": ("POST", f"{path}s", document("authentication-tokens", new)),
            "replace the token of a team": ("POST", path, None),
            "revoke the token of a team": ("DELETE", path, None),
            "revoke tokens of teams": ("DELETE", "/organizations/acme/team-tokens", listed),
        }
        return requests[write]

    def name(self) -> str:
        return f"made-{secrets.token_hex(6)}"

    def variable(self, **where: str) -> Var:
        return self.world.add(Var(**self.here, **where, key=self.name(), category="env", value=""))

    def workspaces(self, count: int | None = None) -> list[Workspace]:
        project = self.world.project(self.place.organization)
        return [self.world.workspace(project) for _ in range(count or self.count)]

    def tag(self, workspace: Workspace, name: str) -> str:
        tag = self.world.add(TagBinding(**self.here, workspace_id=workspace.id, key=name, value=""))
        return str(tag.tag_id)


def test_a_write_costs_the_same_whatever_there_is(
    api: Api, place: Place, owner: Person, statements: Statements
) -> None:
    for count in (1, 30):
        place.fill(count)
        place.states.lock()
        made = Prepared(place, count)
        costs = {
            write: cost(statements, api, owner.token, getattr(made, f"of_{kind}")(write))
            for kind, writes in WRITES.items()
            for write in writes
        }
        place.states.force_unlock()
        expected = {write: count for writes in WRITES.values() for write, count in writes.items()}
        assert costs == expected, f"with {count} of each"
