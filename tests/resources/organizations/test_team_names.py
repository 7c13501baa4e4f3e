"""Names of teams, and the people that a team names."""

import pytest

from app.models import Organization
from tests.support.api import Api, document, faults
from tests.support.world import Person, World

TEAMS = "/organizations/acme/teams"
BAD_NAME = "Name may only contain visible characters, and spaces between them"


@pytest.mark.usefixtures("acme")
@pytest.mark.parametrize(
    "name", ["a", "A-b_c9", "two  words", "n" * 255, "0", "/idp/Cloud & Data (EU)", "CN=ops,OU=[eu].x", "été"]
)
def test_names_of_teams(api: Api, owner: Person, name: str) -> None:
    assert (
        api.post(TEAMS, owner.token, document("teams", {"name": name}), expect=200)["data"]["attributes"]["name"]
        == name
    )


@pytest.mark.one_database
@pytest.mark.usefixtures("acme")
@pytest.mark.parametrize(
    ("name", "detail"),
    [
        ("", "Name can't be blank"),
        (" ", "Name can't be blank"),
        (None, "Name can't be blank"),
        (7, "Name must be a string"),
        ("n" * 256, "Name is too long (maximum is 255 characters)"),
        (" edge", BAD_NAME),
        ("edge ", BAD_NAME),
        ("edge\u00a0", BAD_NAME),
        ("line\n", BAD_NAME),
        ("two\nlines", BAD_NAME),
        ("tab\tbed", BAD_NAME),
        ("left\u202eright", BAD_NAME),
        ("zero\u200bwidth", BAD_NAME),
    ],
)
def test_names_that_no_team_can_have(api: Api, owner: Person, name: object, detail: str) -> None:
    answer = api.post(TEAMS, owner.token, document("teams", {"name": name}), expect=422)
    assert faults(answer) == [(detail, "/data/attributes/name")]


@pytest.mark.parametrize("path", ["/teams/{id}", TEAMS], ids=["one", "list"])
def test_an_include_is_complete_for_whoever_reads_it(
    api: Api, world: World, acme: Organization, owner: Person, path: str
) -> None:
    team = world.team(acme, name="visible", visibility="organization")
    mine, other = world.member(acme, team), world.member(acme, team)
    stranger, manager = world.member(acme), world.member(acme, world.team(acme, "manage-membership"))
    seen = {mine: {mine}, stranger: set(), manager: {mine, other}, owner: {mine, other}}
    asked = f"{path.format(id=team.id)}?include=users,organization_memberships"
    for person, expected in seen.items():
        answer = api.get(asked, person.token)
        data = answer["data"] if isinstance(answer["data"], list) else [answer["data"]]
        [shown] = [each for each in data if each["id"] == team.id]
        memberships = {each["id"] for each in shown["relationships"]["organization-memberships"]["data"]}
        assert memberships == {world.membership(acme, each) for each in expected}
        assert {each["id"] for each in shown["relationships"]["users"]["data"]} == {mine.id, other.id}
        included = {(each["type"], each["id"]) for each in answer["included"]}
        for each in data:
            for name in ("users", "organization-memberships"):
                linked = {(item["type"], item["id"]) for item in each["relationships"][name]["data"]}
                assert linked <= included, "clients take what is named for something that they were given"
