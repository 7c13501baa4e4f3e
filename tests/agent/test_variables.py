"""Values of variables, however hostile, arrive in Terraform as they are and set nothing else."""

import json
from pathlib import Path
from typing import Any

import pytest

from app.agent.hcl import NotOneExpression, check_expression, declared_variables
from app.agent.variables import Variables, WrongVariable
from tests.support.agent_service import AgentService, packed
from tests.support.running_agent import Start

HOSTILE = [
    *('"', "\\", '\\"', "a\nb", "\r\n", "\t", "${x}", "$${x}", "$$${x}", "%{if true}", "%%{x}", "$", "{", "$ {"),
    *(
        "<<EOT\nx\nEOT",
        '"\nother = "1',
        "é ü 漢 🙂",
        "\x07\x1b[31m",
        "\u2028",
        "",
        " ",
        "#",
        "//",
        "/*",
        "\\u0041",
        "${",
        "$${",
    ),
]
EXPRESSIONS = {
    "1": 1,
    "\n2\n": 2,
    "[1,\n 2]": [1, 2],
    '{ a = "b}" }': {"a": "b}"},
    "<<EOT\nx }\nEOT\n": "x }\n",
    "<<-EOT\n    x\n    EOT": "x\n",
    '"$${x}"': "${x}",
    "3 # three": 3,
    "/* a\n b */ 4": 4,
    "null": None,
    "[\n# a comment\n5,\n]": [5],
}


def variable(key: str, value: str, **changes: Any) -> dict[str, Any]:
    return {"key": key, "value": value, "category": "terraform", "hcl": False, "sensitive": False, **changes}


def env(key: str, value: str, **changes: Any) -> dict[str, Any]:
    return variable(key, value, category="env", **changes)


@pytest.mark.needs("terraform")
def test_values_arrive_as_they_are(service: AgentService, start: Start) -> None:
    start()
    job = service.add("plan", run={"plan-only": True})
    texts = {f"t{number}": text for number, text in enumerate(HOSTILE)}
    expressions = {f"e{number}": text for number, text in enumerate(EXPRESSIONS)}
    names = [*texts, *expressions]
    main = "".join(f'variable "{name}" {{}}\noutput "{name}" {{ value = var.{name} }}\n' for name in names)
    main += 'variable "other" { default = "untouched" }\noutput "other" { value = var.other }\n'
    main += 'variable "TFC_RUN_ID" {}\noutput "fact" { value = var.TFC_RUN_ID }\n'
    job.configuration = packed(main=main)
    job.variables = [
        *(variable(name, text) for name, text in texts.items()),
        *(variable(name, text, hcl=True) for name, text in expressions.items()),
        variable("nobody_declares_this", "1"),
    ]
    assert service.run(job)["outcome"] == "ok", job.text
    found = {
        name: change.get("after") for name, change in json.loads(job.artifacts["plan-json"])["output_changes"].items()
    }
    assert {name: found[name] for name in texts} == texts
    assert [found.get(name) for name in expressions] == list(EXPRESSIONS.values())
    assert found["other"] == "untouched"
    assert found["fact"] == job.document["run"]["id"]
    assert "undeclared" not in job.text
    assert "Warning" not in job.text


@pytest.mark.needs("terraform")
def test_they_beat_the_files_of_the_configuration(service: AgentService, start: Start) -> None:
    start()
    job = service.add("plan", run={"plan-only": True})
    declared = 'variable "a" {}\nvariable "b" {}\noutput "o" { value = "${var.a} ${var.b}" }'
    job.configuration = packed(
        {"terraform.tfvars": 'a = "file"\nb = "file"', "z.auto.tfvars": 'a = "auto"'}, main=declared
    )
    job.variables = [variable("a", "workspace")]
    service.run(job)
    assert json.loads(job.artifacts["plan-json"])["output_changes"]["o"]["after"] == "workspace file"


@pytest.mark.needs("terraform")
def test_an_expression_that_is_none_ends_the_run(service: AgentService, start: Start) -> None:
    start()
    job = service.add("plan")
    job.configuration = packed(main='variable "a" {}')
    job.variables = [variable("a", '"x"\nb = "injected"', hcl=True)]
    result = service.run(job)
    assert result["outcome"] == "failed"
    assert result["error"] == (
        "The value of the variable a must be one HCL expression, but it goes on after the end of its first line. "
        "Correct the value, or turn HCL off for this variable."
    )
    assert job.text.endswith(f"\nError: {result['error']}\n")


@pytest.mark.needs("terraform")
def test_the_environment(service: AgentService, start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GROUNDPLAN_AGENT_TOKEN", "pool-token")
    monkeypatch.setenv("OF_THE_AGENT", "agent")
    start()
    job = service.add("plan", run={"plan-only": True})
    job.configuration = packed(main='variable "b" {}\noutput "b" { value = var.b }\nterraform {\n  cloud {}\n}\n')
    job.variables = [
        env("TF_VAR_b", "by the environment"),
        env("TF_CLI_ARGS_plan", "-no-color"),
        env("LD_PRELOAD", "/groundplan/work/config/evil.so"),
        env("PATH", "/groundplan/work/config"),
        env("TF_DATA_DIR", "elsewhere"),
        env("TF_CLI_CONFIG_FILE", "x"),
        env("TF_WORKSPACE", "other"),
        env("TF_PLUGIN_CACHE_DIR", "x"),
        env("TF_PLUGIN_CACHE_MAY_BREAK_DEPENDENCY_LOCK_FILE", "1"),
        env("A=B", "x"),
    ]
    result = service.run(job)
    assert result["outcome"] == "ok", job.text
    assert json.loads(job.artifacts["plan-json"])["output_changes"]["b"]["after"] == "by the environment"
    assert "\x1b[" not in job.text
    names = ("LD_PRELOAD", "PATH", "TF_DATA_DIR", "TF_CLI_CONFIG_FILE", "TF_WORKSPACE", "A=B", "TF_PLUGIN_CACHE_DIR")
    for name in (*names, "TF_PLUGIN_CACHE_MAY_BREAK_DEPENDENCY_LOCK_FILE"):
        assert f"Warning: the environment variable {name} is left out" in job.text


@pytest.mark.needs("terraform")
def test_ephemeral_variables_are_given_to_the_apply(service: AgentService, start: Start) -> None:
    start()
    job = service.add("plan")
    job.configuration = packed(
        main='variable "e" {\n  ephemeral = true\n}\nvariable "a" {}\n'
        'resource "terraform_data" "x" {\n  input = var.a\n}\n'
    )
    job.variables = [variable("e", "short-lived", sensitive=True), variable("a", "planned")]
    assert service.run(job)["outcome"] == "ok", job.text
    apply = service.add_apply(job)
    # A value that was changed after the plan does not count.
    apply.variables = [variable("e", "short-lived", sensitive=True), variable("a", "changed")]
    assert service.run(apply)["outcome"] == "ok", apply.text
    assert b"planned" in apply.states[-1][0]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "it is empty"),
        ("# only a comment", "it is empty"),
        ("1\nx = 2", "goes on after"),
        ("{", "a } is missing"),
        ("1)\nx = (2", "a ) too many"),
        ("[1)", "a ) too many"),
        ('"a', "quoted text does not end"),
        ('"a\nb"', "quoted text does not end"),
        ('"${a', "template does not end"),
        ("<<E\nx", "that ends with E does not end"),
        ("/* a", "comment does not end"),
    ],
)
def test_what_is_not_one_expression(text: str, told: str) -> None:
    with pytest.raises(NotOneExpression, match=told.replace(")", r"\)").replace("}", r"\}")):
        check_expression(text)


def test_declared_variables(tmp_path: Path) -> None:
    (tmp_path / "a.tf").write_text(
        'variable "a" {}\nvariable b {\n}\n/* c */variable/**/"c"{ ephemeral = true\n}\nvariable "d" { type = string }'
    )
    (tmp_path / "b.tf.json").write_text('{"variable": {"e": {"ephemeral": true}, "f": {}}}')
    (tmp_path / "c.tf.json").write_text('[{"variable": [{"g": {}}]}, 1]')
    (tmp_path / "d.tf.json").write_text("{")
    (tmp_path / "e.tofu").write_text('variable "h" {}')
    (tmp_path / "f.txt").write_text('variable "i" {}')
    (tmp_path / "g.tf").symlink_to("/proc/self/environ")
    (tmp_path / "h.tf").mkdir()
    assert declared_variables(tmp_path) == {
        "a": False,
        "b": False,
        "c": True,
        "d": False,
        "e": True,
        "f": False,
        "g": False,
        "h": False,
    }


def test_a_zero_byte_in_the_environment() -> None:
    with pytest.raises(WrongVariable, match="zero byte"):
        Variables((env("A", "a\0b"),)).environment()
