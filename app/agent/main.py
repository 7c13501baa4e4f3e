"""The command ``groundplan-agent``."""

import argparse
import ctypes
import fcntl
import logging
import os
import signal
import sys
import threading
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from app.agent.agent import Agent
from app.agent.client import Client, Refused, Unavailable
from app.agent.downloads import Downloads
from app.agent.jobs import Tools
from app.agent.recovery import look_through, prepare, recover
from app.agent.sandbox import NoSandbox, Sandbox
from app.agent.settings import Settings, WrongSettings, default_home
from app.agent.versions import Versions

logger = logging.getLogger("app.agent")

MOST_HOMES = 256
# How long the end of an agent waits for a call of the recovery that is under way.
RECOVERY_SECONDS = 5.0
PR_SET_DUMPABLE = 4


def main(arguments: list[str] | None = None) -> int:
    """Run an agent until it is asked to end."""
    parser = argparse.ArgumentParser(
        prog="groundplan-agent", description="Runs Terraform for Groundplan. Settings come from the environment."
    )
    parser.add_argument("--single", action="store_true", help="take one job and end")
    given = parser.parse_args(arguments)
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    level = os.environ.get("GROUNDPLAN_LOG_LEVEL", "info").upper()
    logger.setLevel(level if level in logging.getLevelNamesMapping() else logging.INFO)
    try:
        settings = Settings.from_environment(os.environ, single=given.single)
        return run(settings)
    except (WrongSettings, NoSandbox) as error:
        logger.error("%s", error)  # noqa: TRY400 - the text is for the operator
        return 2
    except (Unavailable, Refused) as error:
        logger.error("The service does not take this agent: %s", error)  # noqa: TRY400 - the text says it all
        return 1


def run(settings: Settings) -> int:
    """Run an agent with these settings."""
    close_to_others()
    # Plans, states and logs are nobody else's. What Terraform's user must enter or read is opened to it by itself.
    os.umask(0o077)
    sandbox = open_sandbox(settings)
    home, lock = take_home(settings.home)
    if not sandbox.may_enter(home):
        raise WrongSettings(
            f"The user {settings.sandbox_user}, as whom Terraform runs, may not enter {home}. Set "
            f"GROUNDPLAN_AGENT_HOME to a folder below others that everybody may enter, such as {default_home({})}."
        )
    client = Client(settings.url, settings.token, connections=4 * settings.slots + 4)
    versions = Versions(settings.tools, Downloads(settings.home / "tools", settings.releases), os.environ.get("PATH"))
    tools = Tools(settings, client, sandbox, versions, home)
    agent = Agent(settings, client, tools, own_version())
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: agent.end())
    ended = threading.Event()
    # A state that the service does not take yet keeps nothing else waiting.
    recovering = threading.Thread(
        target=recover_all,
        args=(settings, client, tools, prepare(tools), ended),
        name="recovery",
        daemon=True,
    )
    recovering.start()
    try:
        agent.serve()
    finally:
        ended.set()
        recovering.join(RECOVERY_SECONDS)
        agent.close()
        sandbox.close()
        client.close()
        os.close(lock)
    return 0


def close_to_others() -> None:
    """Keep other processes of the same user from reading this one's memory and environment, where the token is.

    Without a sandbox, Terraform is such a process.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)


def open_sandbox(settings: Settings) -> Sandbox:
    """The sandbox, if one can be made."""
    limits = settings.limits
    try:
        sandbox = Sandbox(
            settings.sandbox,
            settings.sandbox_user,
            processes=limits.processes,
            file_bytes=limits.file_bytes,
            memory=limits.memory,
            hidden=[settings.home, *([settings.service_home] if settings.service_home else [])],
        )
        sandbox.test()
    except NoSandbox as error:
        raise NoSandbox(
            f"No sandbox can be made here, so Terraform is not run: {error}. Allow user namespaces, set "
            f"GROUNDPLAN_SANDBOX=container in a container that runs nothing else, or GROUNDPLAN_SANDBOX=none if every "
            f"configuration may do what this user may."
        ) from error
    return sandbox


def take_home(folder: Path) -> tuple[Path, int]:
    """A directory that no other agent uses: the first that is free, so that what was left in it is found."""
    try:
        if not folder.is_dir():
            folder.mkdir(parents=True)
            folder.chmod(0o711)
        for number in range(MOST_HOMES):
            home = folder / f"agent-{number}"
            home.mkdir(exist_ok=True)
            home.chmod(0o711)
            lock = os.open(home / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(lock)
            else:
                return home, lock
    except OSError as error:
        raise WrongSettings(
            f"The agent can't work in {folder}: {error.strerror}. Set GROUNDPLAN_AGENT_HOME to a folder it may write."
        ) from error
    raise WrongSettings(f"All directories in {folder} are in use.")


def recover_all(settings: Settings, client: Client, tools: Tools, left: list[Path], ended: threading.Event) -> None:
    """Finish what is left here, and in the directories of agents that are not started again."""
    recover(settings, client, tools, left, ended)
    for home in sorted(settings.home.glob("agent-*")):
        lock = os.open(home / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            recover(settings, client, tools, look_through(home / "jobs"), ended)
        except BlockingIOError:
            # It is at work.
            continue
        finally:
            os.close(lock)


def own_version() -> str:
    """The version of the package."""
    try:
        return version("groundplan")
    except PackageNotFoundError:
        return "0"


if __name__ == "__main__":
    raise SystemExit(main())
