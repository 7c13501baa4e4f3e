"""The Dockerfile, the compose file and the units of systemd: what can't be run here is looked through."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.agent.settings import Settings as AgentSettings
from app.main import main
from tests.guards.test_mission import ROOT

DEPLOY = ROOT / "deploy"
BIN = Path(sys.executable).parent
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
UNITS = sorted((DEPLOY / "systemd").iterdir())
IN_UNITS = "/opt/groundplan/bin/groundplan"


def run(*command: str | Path) -> str:
    """What a tool prints; it finds no fault."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)  # noqa: S603
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.skipif(not (BIN / "hadolint").exists(), reason="there is no hadolint for this machine")
def test_the_dockerfile_has_no_fault() -> None:
    assert run(BIN / "hadolint", ROOT / "deploy" / "Dockerfile") == ""


def test_the_images_are_closed_and_hold_no_keys() -> None:
    text = (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8")
    final = text[text.index(" AS service") :]
    assert re.findall(r"^USER (.*)$", final, re.MULTILINE) == ["1000:1000"]
    assert "HEALTHCHECK" in final
    kept = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    # Everything is left out but what is named, and each name is there.
    assert kept[1] == "*"
    named = [line[1:] for line in kept if line.startswith("!")]
    assert [name for name in named if not (ROOT / name).exists()] == []
    copied = {word for line in re.findall(r"^COPY (?!--)(.*) \S+$", text, re.MULTILINE) for word in line.split()}
    assert copied == set(named)


def test_compose_understands_its_file() -> None:
    run(BIN / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", DEPLOY / "compose.yaml")


def test_compose_is_closed_and_has_no_default_passwords() -> None:
    services = COMPOSE["services"]
    assert set(services) == {"proxy", "service", "worker", "agent-token", "agent", "database"}
    text = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")
    variables = re.findall(r"\$\{(\w+)(.*?)\}", text)
    # Each one must be set, or nothing starts.
    assert all(rest.startswith(":?") for _, rest in variables)
    example = dict(re.findall(r"^(\w+)=(.*)$", (DEPLOY / "compose.env").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(example) == {name for name, _ in variables}
    assert set(example.values()) == {""}
    for name, each in services.items():
        # Only the proxy can be reached from outside.
        assert ("ports" in each) == (name == "proxy"), name
        assert each["security_opt"] == ["no-new-privileges:true"], name
        assert "healthcheck" in each, name
        if name != "database":
            assert each["read_only"] is True, name
            assert each["cap_drop"] == ["ALL"], name
        for condition in each.get("depends_on", {}).values():
            assert condition["condition"] in {"service_healthy", "service_completed_successfully"}, name
        for volume in each["volumes"]:
            source = volume.partition(":")[0]
            # A folder of the operator, for the certificate, is made later.
            assert source in COMPOSE["volumes"] or source == "./tls" or (DEPLOY / source).exists(), volume
    assert services["service"]["environment"] == services["worker"]["environment"]
    # The agent, which runs what users write, gets neither keys nor database.
    assert set(services["agent"]["environment"]) == {"GROUNDPLAN_URL", "GROUNDPLAN_AGENT_TOKEN_FILE"}
    assert not any(volume.startswith("home:") for volume in services["agent"]["volumes"])


def test_the_agent_of_compose_has_what_it_needs(tmp_path: Path) -> None:
    given = dict(COMPOSE["services"]["agent"]["environment"])
    (tmp_path / "token").write_text("token\n")
    given["GROUNDPLAN_AGENT_TOKEN_FILE"] = str(tmp_path / "token")
    assert AgentSettings.from_environment(given).token == "token"
    [script] = [each for each in COMPOSE["services"]["agent-token"]["command"] if "groundplan" in each]
    assert COMPOSE["services"]["agent"]["environment"]["GROUNDPLAN_AGENT_TOKEN_FILE"] in script


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_units_of_systemd(unit: Path, tmp_path: Path) -> None:
    text = unit.read_text(encoding="utf-8")
    assert re.findall(r"^ExecStart=(\S+) (\w+)$", text, re.MULTILINE)[0][0] == IN_UNITS
    assert re.search(r"^User=groundplan", text, re.MULTILINE)
    for line in ("NoNewPrivileges=yes", "ProtectSystem=strict", "ProtectHome=yes", "PrivateTmp=yes"):
        assert f"\n{line}\n" in text, line
    if shutil.which("systemd-analyze") is None:
        return
    # The program is not installed here.
    copy = tmp_path / unit.name
    copy.write_text(text.replace(IN_UNITS, shutil.which("true") or "/bin/true"))
    assert run("systemd-analyze", "verify", copy) == ""


def test_all_ways_run_the_commands_that_are_there() -> None:
    texts = [path.read_text(encoding="utf-8") for path in (*UNITS, *(DEPLOY / "kubernetes").glob("*.yaml"))]
    texts += [json.dumps(each.get("command", [])) for each in COMPOSE["services"].values()]
    texts.append((ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8"))
    called = {
        name
        for text in texts
        for name in re.findall(r"(?:\[\"?groundplan\"?, \"?|bin/groundplan |\bgroundplan (?=admin))(\w+)", text)
    }
    assert called == {"serve", "worker", "agent", "admin", "healthcheck"}
    assert called <= set(main.commands)
