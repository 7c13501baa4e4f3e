"""The filters of the list of workspaces: wildcards, plain tags, effective tags; the sorts; who holds the lock."""

from typing import Any
from urllib.parse import quote

import pytest

from app.models import Organization, TagBinding, Workspace
from app.persistence import now
from tests.support.api import Api, faults
from tests.support.states import OUTPUTS, States, state
from tests.support.world import Person, World

WORKSPACES = "/organizations/acme/workspaces"

# The tags of each workspace; the project of the first two has env=prod and cost.
TAGS: dict[str, dict[str, str]] = {
    "app-prod": {"app": "", "blue": ""},
    "app-test": {"app": "", "env": "test"},
    "db-prod": {"blue": "", "env": "prod", "Team": "x"},
    "untagged": {},
}


@pytest.fixture
def tagged(world: World, acme: Organization) -> dict[str, Workspace]:
    """The workspaces of the table."""
    first, second = world.project(acme), world.project(acme)
    world.tag(first, "env", "prod")
    world.tag(first, "cost")
    found = {}
    for name, tags in TAGS.items():
        workspace = world.workspace(first if name.startswith("app") else second, name)
        for position, (key, value) in enumerate(tags.items()):
            owned = {"organization_id": acme.id, "workspace_id": workspace.id, "position": position}
            world.add(TagBinding(**owned, key=key, value=value))
        found[name] = workspace
    return found


def names(answer: Any) -> list[str]:
    return [workspace["attributes"]["name"] for workspace in answer["data"]]


FILTERS: list[tuple[str, list[str]]] = [
    ("search[wildcard-name]=*-prod", ["app-prod", "db-prod"]),
    ("search[wildcard-name]=APP-*", ["app-prod", "app-test"]),
    ("search[wildcard-name]=*p-*", ["app-prod", "app-test"]),
    ("search[wildcard-name]=app-prod", ["app-prod"]),
    ("search[wildcard-name]=app", []),
    ("search[wildcard-name]=a*d", []),
    ("search[wildcard-name]=*", list(TAGS)),
    ("search[wildcard-name]=%25", []),
    ("search[wildcard-name]=", list(TAGS)),
    ("search[tags]=app", ["app-prod", "app-test"]),
    ("search[tags]=app,blue", ["app-prod"]),
    ("search[tags]=app,app", ["app-prod", "app-test"]),
    ("search[tags]=env", ["app-prod", "app-test", "db-prod"]),
    ("search[tags]=cost", ["app-prod", "app-test"]),
    ("search[tags]=cost,blue", ["app-prod"]),
    ("search[tags]=env,Team,blue", ["db-prod"]),
    ("search[tags]=TEAM", ["db-prod"]),
    ("search[tags]=app,unknown", []),
    ("search[tags]=", list(TAGS)),
    ("search[exclude-tags]=blue", ["app-test", "untagged"]),
    ("search[exclude-tags]=blue,app", ["untagged"]),
    ("search[exclude-tags]=unknown", list(TAGS)),
    ("search[exclude-tags]=env", ["untagged"]),
    ("search[exclude-tags]=cost", ["db-prod", "untagged"]),
    ("search[tags]=blue&search[exclude-tags]=app", ["db-prod"]),
    ("filter[current-run][status]=planned,applied", []),
    ("filter[current-run][status]=", list(TAGS)),
    ("filter[tagged][0][key]=env", ["app-prod", "app-test", "db-prod"]),
    ("filter[tagged][0][key]=env&filter[tagged][0][value]=prod", ["app-prod", "db-prod"]),
    ("filter[tagged][0][key]=env&filter[tagged][0][value]=test", ["app-test"]),
    ("filter[tagged][0][key]=env&filter[tagged][1][key]=blue", ["app-prod", "db-prod"]),
    ("filter[tagged][0][key]=cost&filter[tagged][1][key]=Team", []),
    (
        "filter[tagged][0][key]=cost&filter[tagged][1][key]=Team&filter[tag-union]=true",
        ["app-prod", "app-test", "db-prod"],
    ),
    ("filter[tagged][0][key]=env&filter[tag-value-default-null]=true", []),
    ("filter[tagged][0][key]=blue&filter[tag-value-default-null]=true", ["app-prod", "db-prod"]),
    ("filter[tagged][0][key]=env&filter[tagged][0][value]=prod&search[tags]=env", ["app-prod", "db-prod"]),
    ("filter[tagged][0][key]=cost&filter[tagged][0][value]=&search[tags]=cost,app", ["app-prod", "app-test"]),
    ("TagBindings=%7B%20env%20prod%7D&TagBindings=x", list(TAGS)),
    ("sort=current-run.created-at", list(TAGS)),
]


@pytest.mark.parametrize(("query", "found"), FILTERS, ids=[query for query, _ in FILTERS])
@pytest.mark.usefixtures("tagged")
def test_a_filter_finds(
    api: Api, world: World, acme: Organization, owner: Person, *, query: str, found: list[str]
) -> None:
    elsewhere = world.organization("other", owner=owner)
    world.workspace(world.project(elsewhere), "app-prod")
    answer = api.get(f"{WORKSPACES}?{quote(query, safe='=&%')}", owner.token)
    assert names(answer) == found
    assert answer["meta"]["pagination"]["total-count"] == len(found)
    team = world.team(acme)
    assert names(api.get(f"{WORKSPACES}?{quote(query, safe='=&%')}", world.member(acme, team).token)) == []


def test_too_many_tags_are_refused(api: Api, acme: Organization, owner: Person) -> None:
    many = ",".join(f"t{index}" for index in range(201))
    answer = api.get(f"/organizations/{acme.name}/workspaces?search[tags]={many}", owner.token, expect=400)
    assert [parameter for _, parameter in faults(answer)] == ["search[tags]"]


def test_workspaces_are_sorted_by_their_latest_change(
    api: Api, world: World, acme: Organization, owner: Person
) -> None:
    project = world.project(acme)
    for year, name in ((2031, "b"), (2030, "a"), (None, "new")):
        world.workspace(project, name, state_changed_at=now().replace(year=year, day=1) if year else None)
    assert names(api.get(f"{WORKSPACES}?sort=latest-change-at", owner.token)) == ["new", "a", "b"]
    assert names(api.get(f"{WORKSPACES}?sort=-latest-change-at", owner.token)) == ["b", "a", "new"]


def test_who_holds_the_lock_comes_along(
    api: Api, world: World, acme: Organization, owner: Person, tagged: dict[str, Workspace]
) -> None:
    workspace, by_team = tagged["db-prod"], world.workspace(world.project(acme), "zone")
    team = world.team(acme, visibility="organization")
    api.post(f"/workspaces/{workspace.id}/actions/lock", owner.token, expect=200)
    held = {"locked": True, "locked_by_type": "teams", "locked_by_id": team.id, "locked_by_name": team.name}
    for name, value in held.items():
        setattr(by_team, name, value)
    world.add(by_team)
    shown = api.get(f"/workspaces/{workspace.id}?include=locked_by", owner.token)
    [user] = shown["included"]
    assert (user["id"], user["attributes"]["username"]) == (owner.id, "ada")
    listed = api.get(f"{WORKSPACES}?include=locked-by", owner.token)
    assert [each["type"] for each in listed["included"]] == ["users", "teams"]
    assert api.get(f"/workspaces/{tagged['untagged'].id}?include=locked_by", owner.token)["included"] == []


def test_the_current_state_and_its_outputs_come_along(states: States) -> None:
    states.save(state(outputs=OUTPUTS))
    path = f"{states.path}?include=current_state_version,outputs"
    shown = states.api.get(path, states.token)
    version, *outputs = shown["included"]
    linkage = {"id": version["id"], "type": "state-versions"}
    assert shown["data"]["relationships"]["current-state-version"]["data"] == linkage
    values = {each["attributes"]["name"]: each["attributes"]["value"] for each in outputs}
    assert values == {"address": "10.0.0.1", "password": None, "ports": [80, 443.5]}
    linked = [{"id": each["id"], "type": "workspace-outputs"} for each in outputs]
    assert shown["data"]["relationships"]["outputs"]["data"] == linked
