"""What the pages print is what works: every command is run as it stands there, in a folder of its own."""

import re
import shlex
from pathlib import Path

import pytest

from tests.end_to_end.pages import Block, Reader, blocks
from tests.end_to_end.service import REPOSITORY, Service
from tests.end_to_end.terraform import needs_terraform

pytestmark = [needs_terraform, pytest.mark.needs("bash", "curl", "openssl"), pytest.mark.one_database]

PRINTED = "127.0.0.1:8080"
TERRAFORM = {"CHECKPOINT_DISABLE": "1", "TF_CLI_ARGS": "-no-color", "NO_PROXY": "*"}


def filled_in(service: Service, block: Block) -> str:
    """The block with the token, and with the address of the service, which is not on its usual port."""
    token = service.user_token if block.language == "hcl" else service.organization_token
    text = block.text.replace("…", token).replace(PRINTED, f"127.0.0.1:{service.port}")
    return text.replace("localhost:8443", f"localhost:{service.port}")


def test_the_first_steps(mortal_service: Service, tmp_path: Path) -> None:
    page = [block for block in blocks(REPOSITORY / "README.md") if not block.text.startswith("make ")]
    reader = Reader(tmp_path, TERRAFORM, lambda block: filled_in(mortal_service, block), lambda _command: None)
    commands = " ".join(reader.follow(page))
    assert "curl" in commands
    assert "terraform init" in commands


def test_the_stories(mortal_service: Service, tmp_path: Path) -> None:
    def with_token(block: Block) -> str:
        return block.text.replace("…", mortal_service.user_token).replace(PRINTED, f"127.0.0.1:{mortal_service.port}")

    def run_command(text: str) -> None:
        for command in text.splitlines():
            mortal_service.run_flask(*shlex.split(command.removeprefix(".venv/bin/flask ")))

    reader = Reader(tmp_path, {"NO_PROXY": "*"}, with_token, run_command)
    commands = reader.follow(blocks(REPOSITORY / "docs" / "stories.md"))
    assert len([command for command in commands if "$API" in command]) > 20


def test_the_page_about_terraform(mortal_service: Service, tmp_path: Path) -> None:
    def restart(command: str) -> None:
        if given := re.search('GUNICORN_CMD_ARGS="(.*?)"', command):
            mortal_service.stop()
            arguments = given[1].replace("$PWD", str(tmp_path))
            mortal_service.with_certificate(tmp_path / "cert.pem", arguments).start()

    page = blocks(REPOSITORY / "docs" / "use-with-terraform.md")
    reader = Reader(tmp_path, TERRAFORM, lambda block: filled_in(mortal_service, block), restart)
    commands = reader.follow(page)
    assert len([command for command in commands if "terraform" in command]) > 30
    assert mortal_service.url.startswith("https://"), "the page ends with https"
    mortal_service.stop()
    mortal_service.without_certificate().start()
