"""Policies on plans, evaluated in the sandbox."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.agent.policies import NO_ENGINE
from app.agent.settings import MIB, Limits
from tests.support.agent_service import AgentService, ServedJob, packed
from tests.support.running_agent import Start

PLAN = {
    "format_version": "1.2",
    "applyable": True,
    "resource_changes": [
        {
            "address": f"null_resource.{name}",
            "mode": "managed",
            "type": "null_resource",
            "name": name,
            "provider_name": "p",
            "change": {"actions": ["create"], "before": None, "after": {"size": size, "tags": {"env": "dev"}}},
        }
        for name, size in (("small", 1), ("large", 300))
    ],
}
DENY = """package terraform
import rego.v1
deny contains msg if {
  some change in input.plan.resource_changes
  change.change.after.size > to_number(input.params.most)
  msg := sprintf("%s is too large in %s", [change.address, input.run.workspace.name])
}
"""
# The form of the language before 1.0, as HCP Terraform's documentation shows it.
OLD = """package terraform
import input.plan as plan
deny[msg] { r := plan.resource_changes[_]; r.change.after.size > 200; msg := sprintf("%v", [r.address]) }
"""
PASSES = "package terraform\nimport rego.v1\ndeny contains msg if { input.plan.nothing; msg := 1 }\n"
QUERY = "data.terraform.deny"


def policy(code: str | None, query: str = QUERY, name: str = "p") -> dict[str, Any]:
    return {"name": name, "query": query, "code": code, "missing": "The policy has no code yet; upload it"}


def policy_set(*policies: dict[str, Any], version: str | None = None, **parameters: str) -> dict[str, Any]:
    told = [{"key": key, "value": value, "sensitive": key == "secret"} for key, value in parameters.items()]
    return {"id": "psout-1", "name": "s", "tool-version": version, "parameters": told, "policies": list(policies)}


@pytest.fixture
def check(
    service: AgentService, start: Start, pretend: Callable[[str], Path], home: Path
) -> Callable[..., list[dict[str, Any]]]:
    """Plan with these policies; what the agent tells of each."""

    def check(*sets: dict[str, Any], limits: Limits | None = None, **settings: Any) -> list[dict[str, Any]]:
        tools = pretend("")
        shown = home / "operator" / "shown.json"
        shown.write_text(json.dumps(PLAN))
        program = tools / "terraform" / "9.9.9" / "bin" / "terraform"
        text = program.read_text().replace(
            """echo '{"format_version":"1.2","applyable":true,"resource_changes":[]}'""", f"echo '{json.dumps(PLAN)}'"
        )
        program.write_text(text)
        start(tools=tools, **({} if limits is None else {"limits": limits}), **settings)
        job: ServedJob = service.add("plan", version="9.9.9")
        job.configuration = packed(main="")
        job.policy_sets = list(sets)
        result = service.run(job, 60)
        assert result["outcome"] == "ok", job.text
        assert job.outcomes is not None
        return [each for policy_set in job.outcomes["sets"] for each in policy_set["policies"]]

    return check


def test_policies_see_plan_run_and_parameters(check: Callable[..., list[dict[str, Any]]]) -> None:
    told = check(
        policy_set(
            policy(DENY),
            policy(PASSES),
            policy(OLD),
            policy(None),
            policy("package terraform\nimport rego.v1\ndeny := [x | some x in [1, 2]]\n"),
            policy(DENY, "data.terraform.nothing"),
            policy("package terraform\nimport rego.v1\ndeny if true\n"),
            policy("package terraform\ndeny contains if\n"),
            policy("package terraform\nimport rego.v1\ndeny contains x if { x := nowhere.f(1) }\n"),
            most="200",
        )
    )
    assert told[0] == {"status": "failed", "output": ["null_resource.large is too large in net"]}
    assert told[1] == {"status": "passed", "output": []}
    assert told[2] == {"status": "failed", "output": ["null_resource.large"]}
    assert told[3] == {"status": "errored", "output": [{"error": "The policy has no code yet; upload it"}]}
    assert told[4] == {"status": "failed", "output": [1, 2]}
    assert [each["status"] for each in told[5:]] == ["errored"] * 4
    errors = [each["output"][0]["error"] for each in told[5:]]
    assert "no rule of this name" in errors[0]
    assert "gives true or false" in errors[1]
    assert "policy.rego:2" in errors[2]
    assert "nowhere.f" in errors[3]
    assert "backtrace" not in "".join(errors)


def test_the_version_says_which_language_it_is(check: Callable[..., list[dict[str, Any]]]) -> None:
    told = check(
        policy_set(policy(OLD), version="1.9.0"),
        policy_set(policy(OLD), version="0.61.0"),
        policy_set(policy(OLD), version="latest"),
    )
    assert [each["status"] for each in told] == ["errored", "failed", "errored"]
    assert "`if` keyword" in told[0]["output"][0]["error"]


def test_a_policy_that_never_ends_is_ended_and_those_before_it_count(
    check: Callable[..., list[dict[str, Any]]],
) -> None:
    endless = """package terraform
import rego.v1
deny := [x | some a in numbers.range(1, 20000); some b in numbers.range(1, 20000); x := a * b; x < 0]
"""
    told = check(
        policy_set(policy(PASSES), policy(endless), policy(PASSES)),
        limits=Limits(policy_seconds=2),
    )
    assert [each["status"] for each in told] == ["passed", "errored", "errored"]
    assert told[1]["output"] == [{"error": "The policies took longer than they may, 2 seconds"}]


def test_a_policy_that_needs_too_much_memory_is_an_error_of_its_own(
    check: Callable[..., list[dict[str, Any]]],
) -> None:
    greedy = """package terraform
import rego.v1
deny := [x | some a in numbers.range(1, 3000); some b in numbers.range(1, 3000); x := sprintf("%d-%d", [a, b])]
"""
    told = check(
        policy_set(policy(greedy), policy(PASSES)),
        limits=Limits(policy_memory=200 * MIB),
    )
    assert [each["status"] for each in told] == ["errored", "passed"]


def test_output_is_bounded_and_secrets_are_hidden(check: Callable[..., list[dict[str, Any]]]) -> None:
    many = "package terraform\nimport rego.v1\ndeny := [x | some x in numbers.range(1, 1000)]\n"
    long = 'package terraform\nimport rego.v1\ndeny := [concat("", ["x" | some _ in numbers.range(1, 90000)])]\n'
    leak = "package terraform\nimport rego.v1\ndeny contains {input.params.secret: input.params.secret}\n"
    told = check(policy_set(policy(many), policy(long), policy(leak), secret="hunter2-hunter2"))
    assert [each["status"] for each in told] == ["failed"] * 3
    assert told[0]["output"] == [*range(1, 101), "(and 900 more)"]
    assert told[1]["output"] == ["(and 1 more)"]
    assert told[2]["output"] == [{"(sensitive value)": "(sensitive value)"}]


def test_a_policy_reaches_no_network(check: Callable[..., list[dict[str, Any]]], service: AgentService) -> None:
    code = f"""package terraform
import rego.v1
deny contains "reached" if {{ http.send({{"method": "get", "url": "{service.url}/here"}}) }}
deny contains "seen" if {{ opa.runtime().env.PATH }}
"""
    (told,) = check(policy_set(policy(code)))
    assert told["status"] in {"passed", "errored"}
    assert not any(path == "/here" for _, path in service.requests)


@pytest.fixture
def opa(home: Path) -> Path:
    """A program that speaks as OPA does, and tells what it was given."""
    program = home / "opa"
    program.write_text(
        """#!/bin/sh
if [ "$1" = capabilities ]; then
  echo '{"builtins": [{"name": "http.send"}, {"name": "count"}]}'
  exit 0
fi
grep -q http.send capabilities.json && exit 1
grep -q 'fail to compile' policy.rego && { echo '{"errors": [{"message": "no"}]}' >&2; exit 2; }
echo "{\\"result\\": [{\\"expressions\\": [{\\"value\\": [\\"$*\\"]}]}]}"
"""
    )
    program.chmod(0o755)
    return program


def test_an_operators_own_program_is_used(check: Callable[..., list[dict[str, Any]]], opa: Path) -> None:
    told = check(policy_set(policy(DENY), policy("fail to compile"), version="0.61.0"), opa=opa)
    assert told[0]["status"] == "failed"
    (arguments,) = told[0]["output"]
    assert arguments.endswith(f"--v0-compatible {QUERY}")
    assert "--input input.json --data policy.rego --capabilities capabilities.json" in arguments
    assert told[1] == {"status": "errored", "output": [{"error": '{"errors": [{"message": "no"}]}'}]}


def test_policies_are_evaluated_without_a_sandbox_too(check: Callable[..., list[dict[str, Any]]]) -> None:
    told = check(policy_set(policy(DENY), most="200"), sandbox="none")
    assert told == [{"status": "failed", "output": ["null_resource.large is too large in net"]}]


def test_an_agent_without_an_engine_says_so(
    check: Callable[..., list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.agent.policies.find_engine", lambda: None)
    assert check(policy_set(policy(PASSES))) == [{"status": "errored", "output": [{"error": NO_ENGINE}]}]


def test_a_run_without_policies_tells_nothing(
    service: AgentService, start: Start, pretend: Callable[[str], Path]
) -> None:
    start(tools=pretend(""))
    job = service.add("plan", version="9.9.9")
    job.configuration = packed(main="")
    assert service.run(job)["outcome"] == "ok"
    assert job.outcomes is None
