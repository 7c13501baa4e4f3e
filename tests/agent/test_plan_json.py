"""What is told of a plan, and what its redacted form still has."""

import io
import json
from typing import Any

import pytest

from app.agent.plan_json import BadPlan, Summary, redact

PROVIDER = "registry.terraform.io/hashicorp/aws"
SCHEMAS = {
    "format_version": "1.0",
    "provider_schemas": {
        PROVIDER: {
            "provider": {"version": 1},
            "resource_schemas": {"aws_vpc": {"version": 1}, "aws_db": {"version": 2}},
            "data_source_schemas": {"aws_ami": {}, "aws_zone": {}},
            "functions": {"f": {}},
        },
        "registry.terraform.io/hashicorp/null": {"resource_schemas": {}},
    },
}


def change(actions: list[str], **more: Any) -> dict[str, Any]:
    address = {"address": "aws_vpc.a", "mode": "managed", "type": "aws_vpc", "provider_name": PROVIDER}
    address |= {name: more.pop(name) for name in ("mode", "type") if name in more}
    return {**address, "change": {"actions": actions, "before": None, "after": None, **more}}


def redacted(plan: dict[str, Any], *, refresh_only: bool = False, **options: Any) -> tuple[Summary, dict[str, Any]]:
    target = io.BytesIO()
    summary = redact(
        io.BytesIO(json.dumps({"format_version": "1.2", **plan}).encode()),
        io.BytesIO(json.dumps(SCHEMAS).encode()),
        target,
        refresh_only=refresh_only,
        **options,
    )
    return summary, json.loads(target.getvalue())


def test_counts() -> None:
    changes = [
        change(["create"]),
        change(["update"]),
        change(["delete"]),
        change(["delete", "create"]),
        change(["create", "delete"]),
        change(["no-op"], importing={"id": "x"}),
        change(["no-op"]),
        change(["read"], mode="data", type="aws_ami"),
    ]
    summary, _ = redacted({"resource_changes": changes})
    counts = summary.additions, summary.changes, summary.destructions, summary.imports
    assert counts == (3, 1, 3, 1)
    assert summary.has_changes


@pytest.mark.parametrize(
    ("plan", "refresh_only", "expected"),
    [
        ({}, False, False),
        ({"resource_changes": [change(["no-op"])]}, False, False),
        ({"resource_changes": [change(["read"], mode="data")]}, False, False),
        ({"resource_changes": [change(["no-op"], importing={"id": "x"})]}, False, True),
        ({"resource_drift": [change(["update"])]}, False, False),
        ({"resource_drift": [change(["update"])]}, True, True),
        ({"output_changes": {"o": {"actions": ["update"], "before": 1, "after": 2}}}, False, True),
        ({"output_changes": {"o": {"actions": ["no-op"], "before": 1, "after": 1}}}, False, False),
        # Newer versions say it themselves.
        ({"applyable": False, "resource_changes": [change(["update"])]}, False, False),
        ({"applyable": True}, False, True),
    ],
)
def test_whether_anything_changes(plan: dict[str, Any], refresh_only: bool, expected: bool) -> None:  # noqa: FBT001
    assert redacted(plan, refresh_only=refresh_only)[0].has_changes is expected


def test_it_has_what_the_cli_needs_and_nothing_else() -> None:
    plan = {
        "terraform_version": "1.11.4",
        "variables": {"password": {"value": "s3cret"}},
        "prior_state": {"values": {"x": "s3cret"}},
        "resource_changes": [change(["create"]), change(["read"], mode="data", type="aws_ami")],
        "resource_drift": [change(["update"])],
        "relevant_attributes": [{"resource": "aws_vpc.a", "attribute": ["id"]}],
        "output_changes": {"o": {"actions": ["create"], "before": None, "after": 1.5}},
        "configuration": {"root_module": {"x": "s3cret"}},
    }
    _, found = redacted(plan)
    assert list(found) == [
        *("plan_format_version", "resource_changes", "resource_drift", "relevant_attributes", "output_changes"),
        *("provider_format_version", "provider_schemas"),
    ]
    assert found["relevant_attributes"] == plan["relevant_attributes"]
    assert found["output_changes"] == plan["output_changes"]
    assert found["provider_schemas"] == {
        PROVIDER: {
            "provider": {"version": 1},
            "resource_schemas": {"aws_vpc": {"version": 1}},
            "data_source_schemas": {"aws_ami": {}},
        }
    }


def test_sensitive_values_are_replaced_by_others_of_their_type() -> None:
    before = {
        "text": "s3cret",
        "same": "s3cret",
        "number": 5,
        "truth": False,
        "list": ["s3cret"],
        "map": {"k": "s3cret"},
    }
    after = {**before, "text": "s3cret2", "none": None, "open": {"in": ["a", "s3cret"]}}
    marks = dict.fromkeys([*before, "none"], True) | {"open": {"in": [False, True]}}
    update = change(["update"], before=before, after=after, before_sensitive=marks, after_sensitive=marks)
    output = {
        "actions": ["update"],
        "before": "s3cret",
        "after": "s3cret",
        "before_sensitive": True,
        "after_sensitive": True,
    }
    _, found = redacted({"resource_changes": [update], "output_changes": {"o": output}})
    assert "s3cret" not in json.dumps(found)
    shown = found["resource_changes"][0]["change"]
    assert shown["before"]["text"] != shown["after"]["text"]
    assert [type(value) for value in shown["before"].values()] == [type(value) for value in before.values()]
    assert shown["after"]["none"] is None
    assert shown["after"]["open"]["in"][0] == "a"
    # What has not changed still looks so.
    assert found["output_changes"]["o"]["before"] == found["output_changes"]["o"]["after"]


def test_what_terraform_does_not_know_to_be_sensitive() -> None:
    create = change(["create"], after={"a": ["x s3cret y", 7]}, after_sensitive={})
    _, found = redacted({"resource_changes": [create]}, mask=lambda text: text.replace("s3cret", "***"))
    assert found["resource_changes"][0]["change"]["after"] == {"a": ["x *** y", 7]}


def test_what_is_no_json() -> None:
    with pytest.raises(BadPlan):
        redact(
            io.BytesIO(b'{"format_version":"1.2","resource_changes":[{'),
            io.BytesIO(b"{}"),
            io.BytesIO(),
            refresh_only=False,
        )
