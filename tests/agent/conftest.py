import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from app.agent.settings import Settings
from tests.support.agent_service import AgentService
from tests.support.running_agent import Running, Start

# What every version does; `plan` and `apply` come to the lines after it.
PRETENDED = """#!/bin/sh
out() { for each in "$@"; do case "$each" in -out=*) echo planned > "${each#-out=}";; esac; done; }
state() { cat > "/groundplan/work/state/$TF_WORKSPACE/terraform.tfstate"; }
case "$1" in
  init) exit 0;;
  show) echo '{"format_version":"1.2","applyable":true,"resource_changes":[]}'; exit 0;;
  providers) echo '{"format_version":"1.0","provider_schemas":{}}'; exit 0;;
  plan) out "$@";;
esac"""


@pytest.fixture
def service() -> Iterator[AgentService]:
    service = AgentService()
    yield service
    service.close()


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder that another user may enter, which tmp_path is not."""
    folder = Path(tempfile.mkdtemp(prefix="groundplan-agent-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def start(service: AgentService, home: Path) -> Iterator[Start]:
    """Start an agent; it is ended after the test."""
    started: list[Running] = []

    def start(**changes: object) -> Running:
        bells = home / "bells"
        bells.mkdir(exist_ok=True)
        service.bells = bells
        standard = Settings(url=service.url, token="pool-token", name="test", home=home, doorbells=bells)
        running = Running(replace(standard, **changes))  # type: ignore[arg-type]
        started.append(running)
        return running

    yield start
    for running in started:
        running.close()


@pytest.fixture
def pretend(home: Path) -> Callable[[str], Path]:
    """A version 9.9.9 of Terraform whose plan and apply are these lines of a shell script."""

    def pretend(script: str) -> Path:
        program = home / "operator" / "terraform" / "9.9.9" / "bin" / "terraform"
        program.parent.mkdir(parents=True)
        program.write_text(f"{PRETENDED}\n{script}\n")
        program.chmod(0o755)
        return home / "operator"

    return pretend
