"""The terraform binary in folders of its own, with nothing of the machine's configuration and no registry."""

import json
import os
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import pytest

BINARY = "terraform"
HOST = "groundplan.test"
SECONDS = 120
PROMPT = "Enter a value:"

needs_terraform = pytest.mark.needs(BINARY)


@dataclass(frozen=True, slots=True)
class Finished:
    """A command that has ended."""

    status: int
    stdout: str
    stderr: str

    @property
    def said(self) -> str:
        """Everything it printed, as one line: terraform draws boxes around its errors and breaks their lines."""
        return re.sub(r"[\s│╷╵]+", " ", f"{self.stdout}\n{self.stderr}").strip()


class Terraform:
    """A folder with a configuration, a home folder, and one service that it knows, by plain HTTP."""

    def __init__(self, home: Path, api: str, token: str) -> None:
        """Make the folders; ``api`` is the address of the API."""
        self.home = home
        self.folder = home / "configuration"
        self.folder.mkdir(parents=True)
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "TF_CLI_CONFIG_FILE": str(home / "config.tfrc"),
            "TF_IN_AUTOMATION": "1",
            "TF_CLI_ARGS": "-no-color",
            "CHECKPOINT_DISABLE": "1",
            "NO_PROXY": "*",
        }
        (home / "config.tfrc").write_text(
            f"""
            disable_checkpoint = true
            host "{HOST}" {{
              services = {{ "tfe.v2" = "{api}", "tfe.v2.1" = "{api}" }}
            }}
            credentials "{HOST}" {{
              token = "{token}"
            }}
            """
        )

    def write(self, *parts: str, file: str = "main.tf") -> Self:
        """Write a file of the configuration."""
        (self.folder / file).write_text("\n".join(parts))
        return self

    def go(self) -> None:
        """Let the awaited resources of the configuration be made."""
        (self.folder / "go").touch()

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """Begin a command and do not wait for it."""
        return subprocess.Popen(  # noqa: S603 - our own command
            [BINARY, *arguments],
            cwd=self.folder,
            env=self.environment | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def attempt(self, *arguments: str, answers: Sequence[str] = (), **environment: str) -> Finished:
        """Run a command to its end, however it ends; each time it asks, it gets the next answer."""
        process = self.start(*arguments, **environment)
        said = ""
        for answer in answers:
            said += heard(process, PROMPT)
            assert process.stdin is not None
            process.stdin.write(f"{answer}\n")
            process.stdin.flush()
        ended = finished(process)
        return Finished(ended.status, said + ended.stdout, ended.stderr)

    def run(self, *arguments: str, answers: Sequence[str] = (), **environment: str) -> str:
        """Run a command that must succeed; its standard output."""
        ended = self.attempt(*arguments, answers=answers, **environment)
        assert ended.status == 0, f"terraform {' '.join(arguments)} ended with {ended.status}: {ended.said}"
        return ended.stdout

    def refuse(self, *arguments: str, answers: Sequence[str] = (), **environment: str) -> str:
        """Run a command that must fail; everything it said, on one line."""
        ended = self.attempt(*arguments, answers=answers, **environment)
        assert ended.status == 1, f"terraform {' '.join(arguments)} ended with {ended.status}: {ended.said}"
        return ended.said

    def outputs(self) -> dict[str, Any]:
        """The values of the outputs, also of the sensitive ones."""
        return {name: output["value"] for name, output in json.loads(self.run("output", "-json")).items()}

    def resources(self) -> list[str]:
        """The addresses of the resources in the state; none where there is no state."""
        listed = self.attempt("state", "list")
        assert listed.status == 0 or "No state file was found!" in listed.said, listed.said
        return listed.stdout.split()

    def workspaces(self) -> list[str]:
        """The names of the workspaces, the selected one with a star."""
        return [line.strip() for line in self.run("workspace", "list").splitlines() if line.strip()]


def heard(process: subprocess.Popen[str], words: str) -> str:
    """What the command printed until these words; up to its end if they never came."""
    assert process.stdout is not None
    said = ""
    while not said.endswith(words) and (character := process.stdout.read(1)):
        said += character
    return said


def finished(process: subprocess.Popen[str]) -> Finished:
    """Wait for the command; one that does not end is killed, and the test fails."""
    try:
        stdout, stderr = process.communicate(timeout=SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        stdout, stderr = process.communicate()
        pytest.fail(f"terraform did not end within {SECONDS} seconds: {stdout}\n{stderr}")
    return Finished(process.returncode, stdout, stderr)


def cloud(organization: str, *workspaces: str) -> str:
    """A ``cloud`` block; each line says something about its workspaces."""
    return _backend("cloud", organization, workspaces)


def remote(organization: str, *workspaces: str) -> str:
    """The older ``backend "remote"``."""
    return _backend('backend "remote"', organization, workspaces)


def _backend(kind: str, organization: str, workspaces: Sequence[str]) -> str:
    lines = "\n".join(workspaces)
    return f"""
    terraform {{
      {kind} {{
        hostname     = "{HOST}"
        organization = "{organization}"
        workspaces {{
          {lines}
        }}
      }}
    }}
    """


def thing(name: str, value: str = '"one"') -> str:
    """A resource of the provider that is built in, hence needs no registry."""
    return f"""
    resource "terraform_data" "{name}" {{
      input = {value}
    }}
    """


def awaited_thing(name: str) -> str:
    """A resource that is not made before the test says ``go``; then, or after half a minute, it is there."""
    return f"""
    resource "terraform_data" "{name}" {{
      provisioner "local-exec" {{
        command = "for turn in $(seq 300); do [ -e go ] && break; sleep 0.1; done"
      }}
    }}
    """


def output(name: str, value: str, *, sensitive: bool = False) -> str:
    """An output."""
    return f"""
    output "{name}" {{
      value     = {value}
      sensitive = {str(sensitive).lower()}
    }}
    """
