"""Each attribute of a project: what is refused, in which words; what is taken."""

from collections.abc import Callable
from typing import Any

import pytest

from app.models import Organization, Project
from tests.support.api import Api, document, faults
from tests.support.world import Person, World

Send = Callable[..., Any]

BLANK = "Name can't be blank"
SHORT = "Name is too short (minimum is 3 characters)"
LONG = "Name is too long (maximum is 40 characters)"
CHARACTERS = (
    "Name may only contain letters, numbers, spaces, hyphens, and underscores, and may not begin or end with a space"
)
TEXT = "Name must be a string"

NAMES = {
    "null": (None, [BLANK]),
    "empty": ("", [BLANK]),
    "blank": ("    ", [BLANK]),
    "a number": (1234, [TEXT]),
    "true": (True, [TEXT]),
    "a list": (["platform"], [TEXT]),
    "an object": ({"name": "platform"}, [TEXT]),
    "1 character": ("a", [SHORT]),
    "2 characters": ("ab", [SHORT]),
    "41 characters": ("a" * 41, [LONG]),
    "10,000 characters": ("a" * 10_000, [LONG]),
    "slash": ("plat/form", [CHARACTERS]),
    "dot": ("plat.form", [CHARACTERS]),
    "letters of other scripts": ("\u7db2\u8def\u5e73\u53f0", [CHARACTERS]),
    "digits of other scripts": ("abc\u0661\u0662", [CHARACTERS]),
    "line feed inside": ("plat\nform", [CHARACTERS]),
    "line feed at the end": ("platform\n", [CHARACTERS]),
    "tab": ("plat\tform", [CHARACTERS]),
    "no-break space": ("plat\u00a0form", [CHARACTERS]),
    "space before": (" platform", [CHARACTERS]),
    "space after": ("platform ", [CHARACTERS]),
    "too short and bad": ("a!", [SHORT, CHARACTERS]),
    "too long and bad": ("a" * 40 + "!", [LONG, CHARACTERS]),
}
GOOD_NAMES = ["abc", "a b", "a" * 40, "-_-", "123", "Default Projects", "a  b", "___"]
DURATION = (
    "Auto destroy activity duration has an incorrect format, we expect up to 4 numeric digits and 1 unit ('d' or 'h')"
)
MODE = "Default execution mode must be 'default', 'remote', 'local', or 'agent'"
OVERWRITES = "/data/attributes/setting-overwrites"


@pytest.fixture(params=["POST", "PATCH"])
def send(request: pytest.FixtureRequest, api: Api, world: World, acme: Organization, owner: Person) -> Send:
    """Sends attributes as a new project and as an update of one, which must refuse them alike."""
    path = f"/organizations/{acme.name}/projects"
    if request.param == "PATCH":
        path = f"/projects/{world.project(acme, 'untouched', description='as it was').id}"

    def sending(expect: int, **attributes: Any) -> Any:
        given = {name.replace("_", "-"): value for name, value in attributes.items()}
        status = expect if expect != 200 or request.param == "PATCH" else 201
        return api.send(request.param, path, owner.token, document("projects", given), expect=status)

    return sending


def untouched(world: World) -> bool:
    return {project.name for project in world.all(Project)} <= {"Default Project", "untouched"}


@pytest.mark.one_database
@pytest.mark.parametrize(("name", "details"), NAMES.values(), ids=NAMES)
def test_a_bad_name_is_refused(send: Send, world: World, name: Any, details: list[str]) -> None:
    answer = send(422, name=name)
    assert faults(answer) == [(detail, "/data/attributes/name") for detail in details]
    assert {(error["status"], error["title"]) for error in answer["errors"]} == {("422", "invalid attribute")}
    assert untouched(world)


@pytest.mark.parametrize("name", GOOD_NAMES)
def test_a_good_name_is_taken(send: Send, name: str) -> None:
    assert send(200, name=name)["data"]["attributes"]["name"] == name


@pytest.mark.parametrize("name", ["taken", "Taken", "TAKEN"])
def test_a_name_in_use_is_refused_in_any_case(send: Send, world: World, acme: Organization, name: str) -> None:
    world.project(acme, "taken")
    answer = send(422, name=name)
    assert answer["errors"] == [
        {
            "status": "422",
            "title": "invalid attribute",
            "code": "taken",
            "detail": "Name has already been taken",
            "source": {"pointer": "/data/attributes/name"},
        }
    ]


def test_a_name_in_use_elsewhere_is_free(send: Send, world: World) -> None:
    world.project(world.organization("other"), "platform")
    assert send(200, name="platform")["data"]["attributes"]["name"] == "platform"


def test_the_name_of_a_deleted_project_is_free(send: Send, api: Api, world: World, acme: Organization) -> None:
    api.delete(f"/projects/{world.project(acme, 'platform').id}", world.owner(acme).token)
    send(200, name="platform")


def test_a_name_is_required_for_a_new_project(api: Api, acme: Organization, owner: Person) -> None:
    path = f"/organizations/{acme.name}/projects"
    for sent in (
        document("projects"),
        document("projects", {"description": "nameless"}),
        {"data": {"type": "projects"}},
    ):
        answer = api.post(path, owner.token, sent, expect=422)
        assert faults(answer) == [(BLANK, "/data/attributes/name")]


@pytest.mark.parametrize(
    "description", [None, "", " ", "x" * 256, "\N{PILE OF POO}" * 256, "two\nlines"], ids=lambda text: ascii(text)[:20]
)
def test_a_description_is_kept_as_it_was_sent(send: Send, description: str | None) -> None:
    assert send(200, name="platform", description=description)["data"]["attributes"]["description"] == description


@pytest.mark.one_database
@pytest.mark.parametrize(
    ("description", "detail"),
    [
        ("x" * 257, "Description is too long (maximum is 256 characters)"),
        (1, "Description must be a string"),
        (False, "Description must be a string"),
        ({}, "Description must be a string"),
    ],
    ids=lambda value: str(value)[:10],
)
def test_a_bad_description_is_refused(send: Send, world: World, description: Any, detail: str) -> None:
    assert faults(send(422, name="platform", description=description)) == [(detail, "/data/attributes/description")]
    assert untouched(world)


@pytest.mark.parametrize("duration", ["1h", "1d", "14d", "9999d", "9999h", None])
def test_a_good_duration_is_taken(send: Send, duration: str | None) -> None:
    shown = send(200, name="platform", auto_destroy_activity_duration=duration)["data"]["attributes"]
    assert shown["auto-destroy-activity-duration"] == duration


@pytest.mark.one_database
@pytest.mark.parametrize(
    "duration",
    [
        "",
        "0d",
        "00d",
        "01d",
        "10000d",
        "5m",
        "20m",
        "bar",
        "d",
        "14",
        "14D",
        "1 d",
        " 1d",
        "1d\n",
        "1.5d",
        "-1d",
        "\u0661d",
    ],
    ids=ascii,
)
def test_a_bad_duration_is_refused_with_one_sentence(send: Send, world: World, duration: str) -> None:
    answer = send(422, name="platform", auto_destroy_activity_duration=duration)
    assert faults(answer) == [(DURATION, "/data/attributes/auto-destroy-activity-duration")]
    assert untouched(world)


@pytest.mark.one_database
@pytest.mark.parametrize("duration", [14, True, ["14d"]], ids=str)
def test_a_duration_that_is_no_text_is_refused(send: Send, duration: Any) -> None:
    answer = send(422, name="platform", auto_destroy_activity_duration=duration)
    assert faults(answer) == [
        ("Auto destroy activity duration must be a string", "/data/attributes/auto-destroy-activity-duration")
    ]


@pytest.mark.one_database
@pytest.mark.parametrize("mode", ["", "cloud", "Remote", "remote ", 1, True, ["remote"]], ids=str)
def test_an_unknown_execution_mode_is_refused(send: Send, mode: Any) -> None:
    answer = send(422, name="platform", default_execution_mode=mode)
    assert faults(answer) == [(MODE, "/data/attributes/default-execution-mode")]


@pytest.mark.one_database
@pytest.mark.parametrize(
    ("overwrites", "detail"),
    [
        ("true", "Setting overwrites must be an object"),
        (True, "Setting overwrites must be an object"),
        ([], "Setting overwrites must be an object"),
        ({"default-execution-mode": "true"}, "Setting overwrites must be an object of booleans"),
        ({"default-execution-mode": 1}, "Setting overwrites must be an object of booleans"),
        ({"agent-pool": 0}, "Setting overwrites must be an object of booleans"),
        (
            {"default-execution-mode": True, "default-agent-pool": False},
            "If agent-pool and execution-mode are both included in setting-overwrites, their values must be the same.",
        ),
        (
            {"execution-mode": False, "agent-pool": True},
            "If agent-pool and execution-mode are both included in setting-overwrites, their values must be the same.",
        ),
    ],
    ids=str,
)
def test_bad_overwrites_are_refused(send: Send, overwrites: Any, detail: str) -> None:
    assert faults(send(422, name="platform", setting_overwrites=overwrites)) == [(detail, OVERWRITES)]


@pytest.mark.one_database
def test_every_fault_is_told_at_once(send: Send, world: World) -> None:
    answer = send(
        422,
        name="a!",
        description="x" * 257,
        auto_destroy_activity_duration="20m",
        default_execution_mode="cloud",
    )
    assert sorted(faults(answer)) == sorted(
        [
            (SHORT, "/data/attributes/name"),
            (CHARACTERS, "/data/attributes/name"),
            ("Description is too long (maximum is 256 characters)", "/data/attributes/description"),
            (DURATION, "/data/attributes/auto-destroy-activity-duration"),
            (MODE, "/data/attributes/default-execution-mode"),
        ]
    )
    assert untouched(world)


@pytest.mark.one_database
def test_unknown_attributes_are_ignored(send: Send) -> None:
    shown = send(200, name="platform", hcp_id="x", max_ttl=1, created_at="never", _links={})["data"]["attributes"]
    assert shown["name"] == "platform"
    assert shown["hcp-id"] is None
    assert "max-ttl" not in shown


def test_it_tells_when_it_was_changed(api: Api, world: World, acme: Organization, owner: Person) -> None:
    project = world.project(acme, "network")
    path = f"/projects/{project.id}"

    def times() -> tuple[str, str]:
        shown = api.get(path, owner.token)["data"]["attributes"]
        return shown["created-at"], shown["updated-at"]

    made, changed = times()
    assert made == changed
    # Neither a workspace nor a request that changes nothing is a change of the project.
    world.workspace(project)
    api.patch(path, owner.token, document("projects", {"name": "network"}))
    assert times() == (made, changed)
    after = api.patch(path, owner.token, document("projects", {"description": "new"}))["data"]["attributes"]
    assert after["updated-at"] > changed
    assert times() == (made, after["updated-at"])
