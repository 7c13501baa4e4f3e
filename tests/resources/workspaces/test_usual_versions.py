"""The version of a new workspace: one that its agents have at hand."""

import secrets
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from app.models import Organization
from app.persistence import now
from app.resources.inheritance.versions import newest_at_hand
from tests.support.api import Api, document, faults
from tests.support.world import Person, World

DEFAULT = "1.11.4"
PATH = "/organizations/acme/workspaces"


@pytest.mark.parametrize(
    ("versions", "newest"),
    [
        ([], None),
        ([[]], None),
        ([["1.9.8", "1.10.0", "1.11.4"]], "1.11.4"),
        ([["1.10.0", "1.9.8"], ["1.9.8"]], "1.9.8"),
        ([["1.10.0"], ["1.9.8"]], "1.10.0"),
        ([["1.10.0"], []], "1.10.0"),
        ([["1.13.0-rc1", "1.12.9"]], "1.12.9"),
        ([["1.13.0-rc1"]], None),
    ],
)
def test_the_newest_that_all_agents_have(versions: Sequence[Sequence[str]], newest: str | None) -> None:
    assert newest_at_hand(versions) == newest


def tools(*terraform: str, opentofu: Sequence[str] = ()) -> dict[str, Any]:
    return {"tools": {"terraform": [*terraform], "opentofu": [*opentofu]}}


def version_of_new(api: Api, owner: Person, **attributes: Any) -> str:
    named = {name.replace("_", "-"): value for name, value in attributes.items()}
    made = api.post(PATH, owner.token, document("workspaces", {"name": f"w-{secrets.token_hex(4)}", **named}))
    return str(made["data"]["attributes"]["terraform-version"])


def test_a_workspace_gets_what_the_agents_of_its_pool_have(
    api: Api, world: World, acme: Organization, owner: Person
) -> None:
    pool = world.pool(acme)
    world.agent(**tools("1.10.5", "1.9.8", opentofu=["1.8.1"]))
    world.agent(pool, **tools("1.7.0"))
    world.agent(pool, **tools("1.99.0"), last_ping_at=now() - timedelta(minutes=1))
    assert version_of_new(api, owner, execution_mode="remote") == "1.10.5"
    assert version_of_new(api, owner, execution_mode="agent", agent_pool_id=pool.id) == "1.7.0"
    assert version_of_new(api, owner, execution_mode="local") == DEFAULT
    assert version_of_new(api, owner, execution_mode="remote", iac_tool="opentofu") == "1.8.1"
    assert version_of_new(api, owner, execution_mode="remote", terraform_version="~> 1.6") == "~> 1.6"
    # The organization runs locally, and the workspace inherits that.
    assert version_of_new(api, owner) == DEFAULT


@pytest.mark.parametrize("where", ["organization", "project"])
def test_an_inherited_mode_counts_as_well(
    api: Api, world: World, acme: Organization, owner: Person, where: str
) -> None:
    pool = world.pool(acme)
    world.agent(**tools("1.10.5"))
    world.agent(pool, **tools("1.7.0"))
    default = world.default_project(acme)
    path = "/organizations/acme" if where == "organization" else f"/projects/{default.id}"
    for mode, expected in (("remote", "1.10.5"), ("agent", "1.7.0"), ("local", DEFAULT)):
        settings = {"default-execution-mode": mode, "default-agent-pool-id": pool.id if mode == "agent" else None}
        api.patch(path, owner.token, document(f"{where}s", settings))
        assert version_of_new(api, owner, description=mode) == expected


@pytest.mark.usefixtures("acme")
def test_without_an_agent_it_is_the_version_that_the_service_was_tested_with(
    api: Api, world: World, owner: Person
) -> None:
    assert version_of_new(api, owner, execution_mode="remote") == DEFAULT
    world.agent(**tools())
    assert version_of_new(api, owner, execution_mode="remote", description="b") == DEFAULT


@pytest.mark.one_database
@pytest.mark.parametrize(
    "version",
    [
        "1.11.4",
        "1.11",
        "1",
        "v1.2.3",
        "1.12.0-rc1",
        "~> 1.11",
        "~>1.11.0",
        ">= 1.5, < 2.0",
        "!= 1.3.1,>1",
        "= 1.2",
        "latest",
    ],
)
@pytest.mark.usefixtures("acme")
def test_a_version_may_be_a_number_a_constraint_or_the_latest(api: Api, owner: Person, version: str) -> None:
    assert version_of_new(api, owner, terraform_version=version) == version


@pytest.mark.one_database
@pytest.mark.usefixtures("acme")
@pytest.mark.parametrize(
    "version",
    ["one", "1.2.3.4", "1..2", "=> 1.2", "1.2,", ",1", "latest, 1", "1 2", "~1.2", "1.2-", "v", "Latest", "1.2 "],
)
def test_everything_else_is_refused(api: Api, owner: Person, version: str) -> None:
    sent = document("workspaces", {"name": "net", "terraform-version": version})
    text = "Terraform version must be a version such as 1.11.4, a constraint such as ~> 1.11, or latest"
    assert faults(api.post(PATH, owner.token, sent, expect=422)) == [(text, "/data/attributes/terraform-version")]
