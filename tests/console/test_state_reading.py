"""What pages show of states: differences without secrets, and pictures."""

from typing import Any

from app.console.plan_changes import SENSITIVE
from app.console.state_reading import DRAWN, differences, picture_of

SECRET = "a-value-that-no-page-shows"


def state(*resources: dict[str, Any], **outputs: Any) -> dict[str, Any]:
    return {"version": 4, "resources": list(resources), "outputs": outputs}


def resource(
    name: str, *needs: str, module: str = "", keys: tuple[Any, ...] = (None,), **attributes: Any
) -> dict[str, Any]:
    instances = [
        {"attributes": attributes, "dependencies": list(needs), **({} if key is None else {"index_key": key})}
        for key in keys
    ]
    return {
        "mode": "managed",
        "type": "t",
        "name": name,
        "instances": instances,
        **({"module": module} if module else {}),
    }


def test_instances_are_added_changed_and_removed_by_address() -> None:
    old = state(resource("a", x="1", y=2), resource("gone", keys=(0, 1)))
    new = state(resource("a", x="2", y=2), resource("b", module="module.m", keys=("k",), z=[1]))
    found = differences(old, new)
    assert [(each.sign, each.address) for each in found] == [
        ("+", 'module.m.t.b["k"]'),
        ("~", "t.a"),
        ("\N{MINUS SIGN}", "t.gone[0]"),
        ("\N{MINUS SIGN}", "t.gone[1]"),
    ]
    (changed,) = found[1].attributes
    assert (changed.name, changed.before, changed.after) == ("x", "1", "2")
    assert differences(old, old) == []


def test_secrets_are_hidden_wherever_they_stand() -> None:
    marked = resource("a", input={"value": SECRET, "type": "string"}, output=[SECRET], password="x", plain="1")
    marked["instances"][0]["sensitive_attributes"] = [[{"type": "get_attr", "value": "input"}]]
    other = resource("b", copy={"deep": ["from an output"]})
    output = {"value": {"it": "from an output"}, "sensitive": True}
    found = differences(state(), state(marked, other, out=output))
    shown = {each.name: each.after for change in found for each in change.attributes}
    assert shown == {
        "input": SENSITIVE,
        "output": SENSITIVE,
        "password": SENSITIVE,
        "copy": SENSITIVE,
        "plain": "1",
    }


def test_a_picture_leads_from_what_is_needed_to_what_needs_it() -> None:
    picture = picture_of(
        state(
            resource("c", "t.b"), resource("a"), resource("b", "t.a", "t.elsewhere"), resource("m", module="module.m")
        )
    )
    assert picture is not None
    places = {node.address: node.x for node in picture.nodes}
    assert places["t.a"] < places["t.b"] < places["t.c"]
    assert {(one.address, other.address) for one, other in picture.lines} == {("t.a", "t.b"), ("t.b", "t.c")}
    assert [group.name for group in picture.groups] == ["root module", "module.m"]


def test_a_circle_and_too_many_resources_are_survived() -> None:
    assert picture_of(state(resource("a", "t.b"), resource("b", "t.a"))) is not None
    assert picture_of(state(*(resource(f"r{index}") for index in range(DRAWN + 1)))) is None
    assert picture_of(state()) is None
