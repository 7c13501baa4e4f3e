"""Who reads state and its outputs and who sends some; what is hidden answers like what is missing."""

from collections.abc import Mapping
from typing import Any

import pytest

from app.models import Organization, Project, TagBinding, Var, Workspace
from tests.support.api import Api, document
from tests.support.personas import PERSONAS, table
from tests.support.states import OUTPUTS, States, announcement, state
from tests.support.world import World

BY_NAME = "/state-versions?filter[organization][name]=acme&filter[workspace][name]=net"

# Nobody holds the lock: who may send a state is told so, by 409; ``back`` is a rollback that names no version, 422.
STATUSES = table("""
                             | outputs output show current list resources send back
site administrator           | 200     200    200  200     200  200       409  422
owner                        | 200     200    200  200     200  200       409  422
organization token           | 200     200    200  200     200  200       404  404
manage-projects              | 200     200    200  200     200  200       409  422
read-projects                | 200     200    200  200     200  200       404  404
manage-workspaces            | 200     200    200  200     200  200       409  422
read-workspaces              | 200     200    200  200     200  200       404  404
project admin                | 200     200    200  200     200  200       409  422
project maintain             | 200     200    200  200     200  200       409  422
project write                | 200     200    200  200     200  200       409  422
project read                 | 200     200    200  200     200  200       404  404
custom least                 | 404     404    404  404     404  404       404  404
custom create                | 404     404    404  404     404  404       404  404
custom delete                | 404     404    404  404     404  404       404  404
workspace admin              | 200     200    200  200     200  200       409  422
workspace write              | 200     200    200  200     200  200       409  422
workspace plan               | 200     200    200  200     200  200       404  404
workspace read               | 200     200    200  200     200  200       404  404
workspace custom             | 404     404    404  404     404  404       404  404
workspace custom with state  | 200     200    200  200     200  200       409  422
token of a team with write   | 200     200    200  200     200  200       409  422
token of a team with nothing | 404     404    404  404     404  404       404  404
token of the owners team     | 200     200    200  200     200  200       409  422
neighbour                    | 404     404    404  404     404  404       404  404
member                       | 404     404    404  404     404  404       404  404
outsider                     | 404     404    404  404     404  404       404  404
other owner                  | 404     404    404  404     404  404       404  404
other organization token     | 404     404    404  404     404  404       404  404
""")
ON_WORKSPACE: Mapping[str, tuple[str, dict[str, Any] | None]] = {
    "workspace admin": ("admin", None),
    "workspace write": ("write", None),
    "workspace plan": ("plan", None),
    "workspace read": ("read", None),
    "workspace custom": ("custom", {"runs": "apply", "variables": "write"}),
    "workspace custom with state": ("custom", {"state-versions": "write"}),
}


def token_for(who: str, world: World, acme: Organization, workspace: Workspace, project: Project) -> str:
    team = world.team(acme)
    if who in ON_WORKSPACE:
        world.workspace_access(team, workspace, *ON_WORKSPACE[who])
        return world.member(acme, team).token
    if who == "neighbour":
        world.workspace_access(team, world.workspace(project), "admin")
        return world.member(acme, team).token
    if who == "token of the owners team":
        return world.team_token(world.owners(acme))
    if who.startswith("token of a team"):
        if who.endswith("write"):
            world.workspace_access(team, workspace, "write")
        return world.team_token(team)
    return PERSONAS[who](world, acme, [project])


@pytest.mark.one_database
@pytest.mark.parametrize("who", list(dict.fromkeys(name for name, _, _ in STATUSES)))
def test_each_kind_of_caller_is_answered_as_the_table_says(
    states: States, world: World, acme: Organization, who: str
) -> None:
    version = states.save(state(outputs=OUTPUTS))
    one, path = f"/state-versions/{version['data']['id']}", states.path
    output = states.api.get(f"{one}/outputs", states.token)["data"][0]["id"]
    (project,) = (each for each in world.all(Project) if each.id == states.workspace.project_id)
    token = token_for(who, world, acme, states.workspace, project)
    requests: dict[str, tuple[str, str, Any]] = {
        "outputs": ("GET", f"{one}/outputs", None),
        "output": ("GET", f"/state-version-outputs/{output}", None),
        "show": ("GET", one, None),
        "current": ("GET", f"{path}/current-state-version", None),
        "list": ("GET", BY_NAME, None),
        "resources": ("GET", f"{path}/resources", None),
        "send": ("POST", f"{path}/state-versions", announcement(state(2))),
        "back": ("PATCH", f"{path}/state-versions", document("state-versions")),
    }
    expected = {name: int(status) for persona, name, status in STATUSES if persona == who}
    answers = {name: states.api.raw(*each[:2], token, each[2]) for name, each in requests.items()}
    assert {name: answer.status_int for name, answer in answers.items()} == expected
    if expected["show"] == 200:
        shown = answers["show"].json["data"]["attributes"]
        assert states.fetched(answers["show"].json) == state(outputs=OUTPUTS)
        assert shown["hosted-state-upload-url"] is None


# --- hidden is missing ---------------------------------------------------------------------------------------------

# A word stands for an id: of what is hidden in one request, of nothing in the other.
ROUTES: list[tuple[str, str, Any]] = [
    ("GET", "/state-versions/VERSION", None),
    ("GET", "/state-versions/VERSION?include=outputs", None),
    ("GET", "/state-versions/VERSION/outputs", None),
    ("GET", "/state-version-outputs/OUTPUT", None),
    ("GET", "/workspaces/WORKSPACE/current-state-version", None),
    ("GET", "/workspaces/WORKSPACE/current-state-version-outputs", None),
    ("GET", "/workspaces/WORKSPACE/resources", None),
    ("POST", "/workspaces/WORKSPACE/state-versions", announcement(state(2))),
    ("PATCH", "/workspaces/WORKSPACE/state-versions", document("state-versions")),
    ("GET", "/workspaces/WORKSPACE/vars", None),
    ("POST", "/workspaces/WORKSPACE/vars", document("vars", {"key": "a", "category": "env"})),
    ("GET", "/workspaces/WORKSPACE/vars/VARIABLE", None),
    ("PATCH", "/workspaces/WORKSPACE/vars/VARIABLE", document("vars", {"value": "new"})),
    ("DELETE", "/workspaces/WORKSPACE/vars/VARIABLE", None),
    ("PATCH", "/vars/VARIABLE", document("vars", {"value": "new"})),
    ("DELETE", "/vars/VARIABLE", None),
    ("GET", "/workspaces/WORKSPACE/all-vars", None),
    ("GET", "/workspaces/WORKSPACE/varsets", None),
    ("GET", "/workspaces/WORKSPACE/applicable-varsets", None),
    ("GET", "/workspaces/WORKSPACE/varsets/VARSET/relationships/vars", None),
    ("GET", "/varsets/VARSET", None),
    ("PATCH", "/varsets/VARSET", document("varsets", {"name": "new"})),
    ("DELETE", "/varsets/VARSET", None),
    ("GET", "/varsets/VARSET/relationships/vars", None),
    ("POST", "/varsets/VARSET/relationships/vars", document("vars", {"key": "a", "category": "env"})),
    ("POST", "/varsets/VARSET/relationships/workspaces", {"data": [{"type": "workspaces", "id": "WORKSPACE"}]}),
    ("GET", "/workspaces/WORKSPACE/relationships/tags", None),
    ("POST", "/workspaces/WORKSPACE/relationships/tags", {"data": [{"type": "tags", "id": "TAG"}]}),
    ("POST", "/tags/TAG/relationships/workspaces", {"data": [{"type": "workspaces", "id": "WORKSPACE"}]}),
    ("GET", "/teams/TEAM/authentication-token", None),
    ("POST", "/teams/TEAM/authentication-token", None),
    ("DELETE", "/teams/TEAM/authentication-token", None),
    ("GET", "/teams/TEAM/authentication-tokens", None),
    ("POST", "/teams/TEAM/authentication-tokens", document("authentication-tokens", {"description": "new"})),
]
PREFIXES = {
    "VERSION": "sv",
    "OUTPUT": "wsout",
    "WORKSPACE": "ws",
    "VARIABLE": "var",
    "VARSET": "varset",
    "TAG": "tag",
    "TEAM": "team",
}


@pytest.fixture
def hidden(world: World, acme: Organization, states: States) -> dict[str, str]:
    """The ids of what is hidden, by the word for it."""
    its = {"organization_id": acme.id, "workspace_id": states.workspace.id}
    version = states.save(state(outputs=OUTPUTS))["data"]["id"]
    team = world.team(acme)
    world.team_token(team)
    return {
        "VERSION": version,
        "OUTPUT": states.api.get(f"/state-versions/{version}/outputs", states.token)["data"][0]["id"],
        "WORKSPACE": states.workspace.id,
        "VARIABLE": world.add(Var(**its, key="region", category="env", value="here")).id,
        "VARSET": world.varset(acme).id,
        "TAG": str(world.add(TagBinding(**its, key="blue", value="")).tag_id),
        "TEAM": team.id,
    }


def named(value: Any, ids: Mapping[str, str]) -> Any:
    """The path or body with the ids for the words."""
    if isinstance(value, dict):
        return {name: named(member, ids) for name, member in value.items()}
    if isinstance(value, list):
        return [named(item, ids) for item in value]
    for word, identifier in ids.items():
        value = value.replace(word, identifier) if isinstance(value, str) else value
    return value


@pytest.mark.parametrize("who", ["outsider", "member", "other owner", "other organization token"])
def test_what_is_hidden_answers_like_what_is_missing(
    api: Api, world: World, acme: Organization, hidden: dict[str, str], who: str
) -> None:
    token = PERSONAS[who](world, acme, ())
    missing = {word: f"{prefix}-1111111111111111" for word, prefix in PREFIXES.items()}
    for method, path, sent in ROUTES:
        one, other = (
            api.raw(method, named(path, ids), token, named(sent, ids), headers={"X-Request-Id": "same"})
            for ids in (hidden, missing)
        )
        assert (one.status_int, other.status_int) == (404, 404), f"{method} {path}"
        assert one.body == other.body
        assert dict(one.headers) == dict(other.headers)


def test_nobody_without_a_token_gets_anywhere(api: Api, hidden: dict[str, str]) -> None:
    for method, path, sent in ROUTES:
        for token in (None, "nonsense"):
            api.send(method, named(path, hidden), token, named(sent, hidden), expect=401)
