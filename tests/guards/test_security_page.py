"""The page on security names only tests that there are, and what it says of outgoing calls is true."""

import ast
import re
from pathlib import Path

import pytest

from tests.guards.test_mission import ROOT, TEST, functions

PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
ROWS = [line for line in PAGE.splitlines() if "`tests/" in line]

# Whatever can open a connection, and the modules that may: each connects only to what the settings name.
CLIENTS = {
    "aiohttp",
    "boto3",
    "botocore",
    "ftplib",
    "http",
    "httpx",
    "kubernetes",
    "posthog",
    "requests",
    "smtplib",
    "socket",
    "ssl",
    "telnetlib",
    "urllib.request",
    "urllib3",
}
CALLERS = {
    # Datagrams to the sockets of agents and workers in a folder of the service's home.
    "doorbells.py": {"socket"},
    # A health check asks the service on its own host.
    "main.py": {"http"},
    # It tries whether the service could listen.
    "start_faults.py": {"socket"},
    "analytics/posthog.py": {"posthog"},
    "mail/server.py": {"smtplib", "ssl"},
    # What users name, checked: see the module.
    "outbound.py": {"http", "socket", "ssl"},
    "storage/objects.py": {"boto3", "botocore"},
    # A command asks the service that the operator names.
    "transfer/remote.py": {"urllib3"},
    # It only closes the connection of a database that does not answer.
    "persistence/watching.py": {"socket"},
    # It only closes the connection of a client that takes too long.
    "web/slow_clients.py": {"socket"},
    # The name of its host, and the socket that wakes it.
    "worker/worker.py": {"socket"},
    # The agent is a process of its own: it calls the service, and the addresses of releases that are configured.
    "agent/agent.py": {"socket"},
    "agent/client.py": {"urllib3"},
    "agent/downloads.py": {"urllib3"},
    "agent/settings.py": {"socket"},
    # So is the agent scaler: it calls the service, through the agent's client, and the cluster that it runs in.
    "agent_scaler/main.py": {"kubernetes"},
    "agent_scaler/scaler.py": {"kubernetes", "urllib3"},
}


def test_every_protection_names_its_tests() -> None:
    assert len(ROWS) > 40
    tables = [line for line in PAGE.splitlines() if re.fullmatch(r"\|( [^|]+ \|){3}", line) and "held by" not in line]
    assert tables == ROWS


def test_every_test_that_is_named_is_one_of_the_suite(subtests: pytest.Subtests) -> None:
    for row in ROWS:
        with subtests.test(row.split("|")[1].strip()):
            held_by = row.split("|")[-2]
            named = TEST.findall(held_by)
            assert named
            assert [f"{path}::{name}" for path, name in named if name not in functions(path)] == []
            assert TEST.sub("", held_by).strip(" ,") == ""


def imported(path: Path) -> set[str]:
    """The modules that the file imports, however it does."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {node.module, *(f"{node.module}.{name.name}" for name in node.names)}
    return found


def test_the_service_calls_nobody_but_what_is_configured() -> None:
    app = ROOT / "app"
    found = {
        str(path.relative_to(app)): clients
        for path in app.rglob("*.py")
        if (clients := {each for name in imported(path) for each in CLIENTS if f"{name}.".startswith(f"{each}.")})
    }
    assert found == CALLERS
