"""Runs commands of Terraform or OpenTofu in the directory of a run."""

import os
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from app.agent.directory import RunDirectory
from app.agent.sandbox import Process, Sandbox
from app.agent.settings import NETWORK, Settings
from app.agent.versions import Program

PIECE = 64 * 1024
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# Terraform alone is small and short-lived: it is faster if it doesn't collect its garbage all the time.
GARBAGE_PERCENT = "400"
# The name that the documentation gives a service without https, and the names under which terraform looks for its API.
LOCAL_HOST = "groundplan.local"
SERVICES = ("tfe.v2", "tfe.v2.1", "tfe.v2.2")
# The folder of a provider in a mirror: host, namespace and type.
MIRRORED = re.compile(r"[A-Za-z0-9.:-]+/[A-Za-z0-9_-]+/[A-Za-z0-9_-]+")


class Stopped(Exception):
    """The job was stopped before the next command."""


class Control:
    """Stops the commands of one job; other threads ask for it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._processes: set[Process] = set()
        self.interrupted = False
        self.killed = False
        # Set if it was not the user who asked for it.
        self.reason: str | None = None

    def interrupt(self, reason: str | None = None) -> None:
        """Let Terraform end gracefully, and start no further command."""
        with self._lock:
            if not self.interrupted and not self.killed:
                self.interrupted, self.reason = True, reason
            for process in self._processes:
                process.interrupt()

    def kill(self, reason: str | None = None) -> None:
        """End Terraform at once."""
        with self._lock:
            if not self.killed:
                self.killed, self.reason = True, reason or self.reason
            for process in self._processes:
                process.kill()

    @property
    def stopped(self) -> bool:
        """Whether it was asked to end, in one way or the other."""
        return self.interrupted or self.killed

    def run(self, start: Callable[[], Process], use: Callable[[Process], None]) -> int:
        """Start a process, use it, and wait for its end."""
        with self._lock:
            if self.stopped:
                raise Stopped
            process = start()
            self._processes.add(process)
        try:
            use(process)
            return process.wait()
        finally:
            with self._lock:
                self._processes.discard(process)

    def groups(self) -> list[int]:
        """The processes under way."""
        with self._lock:
            return [process.popen.pid for process in self._processes]


class Terraform:
    """Commands with one program, in one directory, with one environment."""

    def __init__(  # noqa: PLR0913, PLR0917 - what a command needs
        self,
        sandbox: Sandbox,
        program: Program,
        directory: RunDirectory,
        control: Control,
        environment: Mapping[str, str],
        readable: Sequence[Path] = (),
    ) -> None:
        self.program = program
        self._sandbox = sandbox
        self._directory = directory
        self._control = control
        self._environment = environment
        # Whether providers run that come from elsewhere: they may need much memory.
        self.has_providers = False
        self._readable = [*readable]

    def run(
        self,
        arguments: Sequence[str],
        write: Callable[[bytes], None],
        begun: Callable[[int], None] = lambda _: None,
    ) -> int:
        """Run a command; what it prints goes to `write` as it comes. `begun` is told its process."""

        def use(process: Process) -> None:
            begun(process.popen.pid)
            output = process.popen.stdout
            assert output is not None
            with output:
                while data := os.read(output.fileno(), PIECE):
                    write(data)

        return self._control.run(lambda: self._start(arguments), use)

    def capture(self, arguments: Sequence[str], target: IO[bytes]) -> tuple[int, str]:
        """Run a command that prints into a file: its status and its errors."""
        errors: list[bytes] = []

        def use(process: Process) -> None:
            output = process.popen.stderr
            assert output is not None
            with output:
                while data := os.read(output.fileno(), PIECE):
                    if len(errors) < 4:  # noqa: PLR2004 - the beginning says what is wrong
                        errors.append(data)

        # What a user may set for plans has no place here.
        plain = {name: value for name, value in self._environment.items() if not _concerns_users(name)}
        status = self._control.run(lambda: self._start(arguments, plain, output=target, errors=-1), use)
        return status, b"".join(errors).decode("utf-8", "replace")

    def _start(
        self,
        arguments: Sequence[str],
        environment: Mapping[str, str] | None = None,
        *,
        output: int | IO[bytes] = -1,
        errors: int | IO[bytes] = -2,
    ) -> Process:
        return self._sandbox.start(
            [str(self._sandbox.find_inside(self.program.path)), *arguments],
            self._directory.directories,
            cwd=self._directory.cwd,
            environment=self._with_garbage(self._environment if environment is None else environment),
            readable=self._readable,
            program=self.program.path,
            output=output,
            errors=errors,
        )

    def _with_garbage(self, environment: Mapping[str, str]) -> Mapping[str, str]:
        return environment if self.has_providers else {"GOGC": GARBAGE_PERCENT, **environment}


def _concerns_users(name: str) -> bool:
    return name.startswith(("TF_CLI_ARGS", "TF_LOG"))


def environment(  # noqa: PLR0913 - it is put together from many
    settings: Settings,
    directory: RunDirectory,
    job: Mapping[str, Any],
    chosen: Mapping[str, str],
    config: str,
    *,
    has_cache: bool,
) -> dict[str, str]:
    """The whole environment of Terraform: nothing else of the agent's own is in it."""
    inside = directory.inside
    run, workspace = job["run"], job["workspace"]
    facts = {
        "TFC_RUN_ID": run["id"],
        "TFC_WORKSPACE_NAME": workspace["name"],
        "TFC_WORKSPACE_SLUG": f"{job['organization']}/{workspace['name']}",
        "TFC_PROJECT_NAME": workspace.get("project-name") or "",
    }
    boxed = settings.sandbox == "bwrap"
    return {
        **{name: os.environ[name] for name in NETWORK if name in os.environ},
        "LANG": "C.UTF-8",
        "CHECKPOINT_DISABLE": "1",
        **({"TF_LOG": "DEBUG"} if run.get("debugging-mode") else {}),
        **chosen,
        "PATH": SYSTEM_PATH if boxed else os.environ.get("PATH", SYSTEM_PATH),
        "HOME": str(inside.work / "home"),
        "TMPDIR": "/tmp" if boxed else str(inside.work / "tmp"),  # noqa: S108 - a folder of the sandbox alone
        "GOMEMLIMIT": f"{settings.limits.memory * 9 // 10 // 1024}KiB",
        "TF_IN_AUTOMATION": "1",
        "TF_INPUT": "0",
        "TF_WORKSPACE": str(workspace["name"]),
        "TF_CLI_CONFIG_FILE": config,
        **({"TF_PLUGIN_CACHE_DIR": str(inside.cache)} if has_cache else {}),
        **facts,
        # The same for configurations that declare a variable of such a name.
        **{f"TF_VAR_{name}": value for name, value in facts.items()},
    }


def cli_configuration(token: str, url: str, hosts: Sequence[str], mirror: Path | None) -> str:
    """The text of the CLI's configuration: the service with the token of the job, and from where providers come.

    Terraform asks a host by https where its services are. A service that speaks plain http is told to it, also by the
    name that the documentation gives it.
    """
    text = "disable_checkpoint = true\n"
    is_plain = url.startswith("http:")
    for host in dict.fromkeys([*hosts, *([LOCAL_HOST] if is_plain else [])]):
        text += f'credentials "{host}" {{\n  token = "{token}"\n}}\n'
        if is_plain:
            services = "".join(f'    "{name}" = "{url.rstrip("/")}/api/v2/"\n' for name in SERVICES)
            text += f'host "{host}" {{\n  services = {{\n{services}  }}\n}}\n'
    if mirror is not None:
        # Otherwise Terraform would ask the registry for the providers of the mirror, too.
        kept = sorted("/".join(each.relative_to(mirror).parts) for each in mirror.glob("*/*/*") if each.is_dir())
        exclude = ", ".join(f'"{each}"' for each in kept if MIRRORED.fullmatch(each))
        text += f'provider_installation {{\n  filesystem_mirror {{\n    path = "{mirror}"\n  }}\n'
        text += f"  direct {{\n    exclude = [{exclude}]\n  }}\n}}\n"
    return text
