"""The wheel, installed where there is no checkout."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.end_to_end.service import BOOTSTRAP_TOKEN, REPOSITORY, Service, poll_until

SOURCES = ("app", "migrations", "gunicorn.conf.py", "setup.cfg", "pyproject.toml", "README.md", "LICENSE")
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet")


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The folder of an installation of the wheel, without what it needs."""
    # A copy, so that no build of other files is taken up, and none is left behind.
    source = tmp_path / "source"
    for name in SOURCES:
        copy = shutil.copytree if (REPOSITORY / name).is_dir() else shutil.copy
        source.mkdir(exist_ok=True)
        copy(REPOSITORY / name, source / name)
    run(*PIP, "wheel", "--no-deps", "--no-index", "--no-build-isolation", "-w", str(tmp_path), str(source))
    shutil.rmtree(source)
    [wheel] = tmp_path.glob("groundplan-*.whl")
    run(*PIP, "install", "--no-deps", "--no-index", "--no-compile", "--target", str(tmp_path / "site"), str(wheel))
    return tmp_path / "site"


def run(*command: str, environment: dict[str, str] | None = None, folder: Path | None = None) -> str:
    """Run the command to its end; what it prints."""
    done = subprocess.run(  # noqa: S603 - our own commands
        command, env=environment, cwd=folder, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_wheel_serves_without_a_checkout(installed: Path, tmp_path: Path) -> None:
    # Somebody's own package of this name is where the service is started.
    elsewhere, own = tmp_path / "elsewhere", tmp_path / "home-of-user"
    (elsewhere / "app").mkdir(parents=True)
    (elsewhere / "app" / "__init__.py").write_text("raise SystemExit('not this one')")
    own.mkdir()
    service = Service(tmp_path, f"sqlite:///{tmp_path / 'home' / 'groundplan.sqlite3'}", workers=1)
    service.set(PYTHONPATH=str(installed), HOME=str(own), GROUNDPLAN_WORKERS="1")
    program = str(installed / "bin" / "groundplan")
    service.folder, service.command = elsewhere, [program, "serve"]
    environment = os.environ | {
        "PYTHONPATH": str(installed),
        "HOME": str(own),
        "PORT": str(service.port),
        "GROUNDPLAN_HOME": str(service.home),
        "DATABASE_URL": service.database_url,
        "PYTHONDONTWRITEBYTECODE": "",
    }

    def groundplan(*arguments: str) -> str:
        return run(program, *arguments, environment=environment, folder=elsewhere)

    service.start()
    try:
        with service.client(BOOTSTRAP_TOKEN) as client:
            [organization] = client.get("organizations").json()["data"]
            assert organization["id"] == "groundplan"
            assert client.get(f"{service.url}/readyz").json()["checks"]["migrations"] == "ok"
            # What belongs to pages is in the wheel.
            assert client.get(f"{service.url}/app", follow_redirects=True).status_code == 200
        poll_until(lambda: ": the worker " in service.log.read_text(), 20, "a worker")
        assert groundplan("healthcheck") == ""
        assert "admin@localhost" in groundplan("admin", "list-users")
    finally:
        assert service.stop() == 0
    assert "--single" in groundplan("agent", "--help")
    assert list(own.iterdir()) == []
