"""The plan and the apply of a run, with the real Terraform in the sandbox."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.agent_service import AgentService, ServedJob, packed
from tests.support.running_agent import Start

pytestmark = pytest.mark.needs("terraform")

ONE = 'resource "terraform_data" "x" {\n  input = "hello"\n}\noutput "name" {\n  value = terraform.workspace\n}\n'


def plan(service: AgentService, main: str = ONE, **changes: Any) -> ServedJob:
    job = service.add("plan", **changes)
    job.configuration = packed(main=main)
    return job


def test_a_plan_hands_over_everything(service: AgentService, start: Start) -> None:
    start()
    job = plan(service)
    assert service.run(job) == {
        "outcome": "ok",
        "error": None,
        "has-changes": True,
        "additions": 1,
        "changes": 0,
        "destructions": 0,
        "imports": 0,
        "generated-configuration": False,
        "terraform-version": "1.11.4",
    }
    assert job.text.splitlines()[:3] == [
        "Terraform v1.11.4",
        "on linux_amd64",
        "Initializing plugins and modules...",
    ]
    assert "1 to add, 0 to change, 0 to destroy." in job.text
    assert "Initializing the backend" not in job.text
    assert set(job.artifacts) == {"plan", "plan-json", "plan-json-redacted"}
    shown = json.loads(job.artifacts["plan-json"])
    assert shown["output_changes"]["name"]["after"] == "net"
    redacted = json.loads(job.artifacts["plan-json-redacted"])
    assert redacted["plan_format_version"] == shown["format_version"]
    assert [change["address"] for change in redacted["resource_changes"]] == ["terraform_data.x"]
    schemas = redacted["provider_schemas"]["terraform.io/builtin/terraform"]["resource_schemas"]
    assert list(schemas) == ["terraform_data"]
    assert "prior_state" not in redacted
    assert job.states == []


@pytest.mark.parametrize("elsewhere", [False, True], ids=["same agent", "another agent"])
def test_an_apply_uses_the_plan(service: AgentService, start: Start, *, elsewhere: bool) -> None:
    first = start()
    planned = plan(service)
    service.run(planned)
    if elsewhere:
        first.end()
        start()
    job = service.add_apply(planned)
    assert service.run(job) == {"outcome": "ok", "error": None, "terraform-version": "1.11.4"}
    assert job.text.splitlines()[:3] == planned.text.splitlines()[:3]
    assert "Resources: 1 added, 0 changed, 0 destroyed." in job.text
    [(state, final)] = job.states
    assert final
    assert json.loads(state)["outputs"]["name"]["value"] == "net"
    assert job.started == 1


def test_json_logs(service: AgentService, start: Start) -> None:
    start()
    planned = plan(service, ONE, **{"json-log": True})
    service.run(planned)
    assert planned.text.startswith("Terraform v1.11.4\n")
    kinds = [json.loads(line)["type"] for line in planned.text.splitlines()[3:]]
    assert kinds[0] == "version"
    assert "change_summary" in kinds
    job = service.add_apply(planned, **{"json-log": True})
    service.run(job)
    assert [json.loads(line)["type"] for line in job.text.splitlines()[3:]][-2:] == ["change_summary", "outputs"]


@pytest.mark.parametrize("kind", ["container", "none"])
def test_without_the_sandbox(service: AgentService, start: Start, kind: str) -> None:
    start(sandbox=kind)
    planned = plan(service)
    assert service.run(planned)["outcome"] == "ok", planned.text
    job = service.add_apply(planned)
    assert service.run(job)["outcome"] == "ok", job.text
    assert json.loads(job.states[-1][0])["outputs"]["name"]["value"] == "net"


def test_what_a_configuration_finds(
    service: AgentService, start: Start, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GROUNDPLAN_AGENT_TOKEN", "pool-token")
    (home / "secret").write_text("of the agent")
    start()
    command = (
        f"cat /proc/*/environ /proc/*/cmdline; ls -la / /root /groundplan/*; cat {home}/secret; cat $TF_CLI_CONFIG_FILE"
    )
    provisioner = f'provisioner "local-exec" {{\n command = "({command}) 2>&1; true"\n }}'
    planned = plan(service, f'resource "terraform_data" "x" {{\n {provisioner}\n}}\n')
    service.run(planned)
    job = service.add_apply(planned)
    assert service.run(job)["outcome"] == "ok", job.text
    assert "TFC_RUN_ID=run-1" in job.text
    assert "pool-token" not in job.text
    assert "of the agent" not in job.text
    # The token of the job is there, for it opens only what the run may use; but no log shows it.
    assert "credentials" in job.text
    assert job.token not in job.text


def test_a_sensitive_value_is_in_no_log_and_no_redacted_plan(service: AgentService, start: Start) -> None:
    start()
    main = 'variable "a" {}\nresource "terraform_data" "x" {\n  input = "in ${var.a}"\n}\n'
    job = plan(service, main + 'output "o" {\n  value = upper(nonsensitive(var.a))\n}\n')
    job.variables = [{"key": "a", "value": "s3cret", "category": "terraform", "hcl": False, "sensitive": True}]
    assert service.run(job)["outcome"] == "ok", job.text
    assert "s3cret" not in job.text
    assert "in (sensitive value)" in job.text
    assert b"s3cret" not in job.artifacts["plan-json-redacted"]


def test_options(service: AgentService, start: Start, pretend: Callable[[str], Path]) -> None:
    start(tools=pretend('for each in "$@"; do echo "[$each]"; done'))
    out = "-out=/groundplan/work/out/plan"
    run = {"is-destroy": True, "refresh": False, "target-addrs": ["a.b", 'c["d e"]'], "replace-addrs": ["f.g"]}
    job = service.add("plan", version="9.9.9", run=run)
    service.run(job)
    options = ["-target=a.b", '-target=c["d e"]', "-replace=f.g", "-destroy", "-refresh=false"]
    assert job.text.splitlines()[3:] == [f"[{each}]" for each in ["plan", "-input=false", out, *options]]
    run = {"refresh-only": True, "allow-config-generation": True}
    job = service.add("plan", version="9.9.9", run=run, **{"json-log": True})
    service.run(job)
    options = ["-refresh-only", "-generate-config-out=/groundplan/work/out/generated.tf", "-json"]
    assert job.text.splitlines()[3:] == [f"[{each}]" for each in ["plan", "-input=false", out, *options]]


def test_opentofu(service: AgentService, start: Start, pretend: Callable[[str], Path]) -> None:
    tools = pretend("echo planned by tofu")
    (tools / "terraform").rename(tools / "opentofu")
    program = tools / "opentofu" / "9.9.9" / "bin" / "terraform"
    program.rename(program.with_name("tofu"))
    start(tools=tools)
    job = service.add("plan", version="~> 9.9", tool="opentofu")
    assert service.run(job)["terraform-version"] == "9.9.9"
    assert job.text.splitlines()[0] == "OpenTofu v9.9.9"
    assert job.text.splitlines()[3] == "planned by tofu"


def test_the_lock_file_is_kept_for_the_apply(
    service: AgentService, start: Start, pretend: Callable[[str], Path]
) -> None:
    first = start(
        tools=pretend('if [ "$1" = plan ]; then echo locked > .terraform.lock.hcl; else cat .terraform.lock.hcl; fi')
    )
    planned = service.add("plan", version="9.9.9")
    service.run(planned)
    assert planned.artifacts["lock-file"] == b"locked\n"
    first.end()
    start(tools=first.settings.tools)
    job = service.add_apply(planned)
    assert service.run(job)["outcome"] == "ok", job.text
    assert job.text.splitlines()[3:] == ["locked"]


@pytest.mark.parametrize("backend", ['cloud {\n  organization = "acme"\n}', 'backend "remote" {}', 'backend "s3" {}'])
def test_any_backend_is_replaced(service: AgentService, start: Start, backend: str) -> None:
    start()
    job = service.add("plan", workspace={"name": "default"}, run={"plan-only": True})
    nested = json.dumps({"variable": {"a": {"default": 1}}})
    job.configuration = packed({"terraform.tf": f"terraform {{\n{backend}\n}}", "b.tf.json": nested}, main=ONE)
    assert service.run(job)["outcome"] == "ok", job.text
    assert json.loads(job.artifacts["plan-json"])["output_changes"]["name"]["after"] == "default"
