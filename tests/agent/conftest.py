import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from app.agent.settings import Settings
from tests.support.agent_service import AgentService
from tests.support.running_agent import Running, Start


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
