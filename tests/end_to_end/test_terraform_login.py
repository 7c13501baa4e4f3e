"""The real terraform binary asks for a token; a person with a browser gives it."""

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread

import httpx
import pytest

from tests.end_to_end.forms import send_form
from tests.end_to_end.pages import blocks
from tests.end_to_end.service import NO_CERTIFICATES, REPOSITORY, SECONDS_TO_ANSWER, Service
from tests.end_to_end.terraform import BINARY, needs_terraform

HOST = "groundplan.local"
PASSWORD = "password of the end-to-end tests"
ADDRESS = re.compile(r"https?://\S+/oauth/authorization\?\S+")

pytestmark = [needs_terraform, pytest.mark.one_database]


class Login:
    """A ``terraform login`` that runs, with a home folder of its own and no browser to open."""

    def __init__(self, service: Service, home: Path) -> None:
        """Begin, and answer its question with yes."""
        (home / ".terraformrc").write_text(printed_configuration(service), encoding="utf-8")
        # The CLI makes this folder when it looks for a newer version of itself, which it must not do here.
        (home / ".terraform.d").mkdir(exist_ok=True)
        self.credentials = home / ".terraform.d" / "credentials.tfrc.json"
        self.printed = ""
        inherited = {name: text for name, text in os.environ.items() if not name.startswith("TF_")}
        self._process = subprocess.Popen(  # noqa: S603 - the program that is tested with
            [str(shutil.which(BINARY)), "login", HOST],
            cwd=home,
            # On this PATH it finds no program to open the address with, and only prints it.
            env=inherited | {"HOME": str(home), "PATH": str(home), "CHECKPOINT_DISABLE": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert self._process.stdin is not None
        self._process.stdin.write("yes\n")
        self._process.stdin.flush()
        self._reader = Thread(target=self._read, daemon=True)
        self._reader.start()

    def address(self) -> str:
        """The address that the user is to open."""
        deadline = time.monotonic() + SECONDS_TO_ANSWER
        while not (found := ADDRESS.search(self.printed)):
            assert time.monotonic() < deadline, self.printed
            assert self._process.poll() is None, self.printed
            time.sleep(0.05)
        return found[0]

    def end(self) -> int:
        """Its exit status."""
        status = self._process.wait(SECONDS_TO_ANSWER)
        self._reader.join(SECONDS_TO_ANSWER)
        return status

    def give_up(self) -> None:
        """End it, if it has not ended."""
        with self._process:
            self._process.kill()
            self._reader.join(SECONDS_TO_ANSWER)

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.printed += line


def printed_configuration(service: Service) -> str:
    """What the page about terraform tells to write into a file."""
    page = blocks(REPOSITORY / "docs" / "use-with-terraform.md")
    [block] = [block.text for block in page if block.text.startswith("# login.tfrc")]
    return block.replace("http://127.0.0.1:8080", service.url)


@pytest.fixture
def login(service: Service, tmp_path: Path) -> Iterator[Callable[[], Login]]:
    """Begins a ``terraform login``."""
    begun: list[Login] = []

    def begin() -> Login:
        begun.append(Login(service, tmp_path))
        return begun[-1]

    yield begin
    for each in begun:
        each.give_up()


def test_terraform_login_gets_a_token_that_works_until_it_is_revoked(
    service: Service, http: httpx.Client, login: Callable[[], Login], browser: httpx.Client
) -> None:
    service.run_flask("set-password", service.username, given=f"{PASSWORD}\n")
    running = login()

    page = browser.get(running.address())
    assert "Sign in to Groundplan" in page.text
    page = send_form(browser, page, account=service.username, password="wrong")
    assert page.status_code == httpx.codes.FORBIDDEN
    page = send_form(browser, page, account=service.username, password=PASSWORD)
    assert f"act as {service.username}?" in page.text
    page = send_form(browser, page, decision="allow")
    # That is the page of the CLI's own listener.
    assert page.url.host == "localhost"
    assert page.status_code == httpx.codes.OK
    assert running.end() == 0, running.printed

    token = json.loads(running.credentials.read_text(encoding="utf-8"))["credentials"][HOST]["token"]
    assert token not in running.printed
    with service.client(token) as client:
        account = client.get("account/details").raise_for_status().json()["data"]
        assert account["attributes"]["username"] == service.username
        listed = http.get(f"users/{account['id']}/authentication-tokens").raise_for_status().json()["data"]
        [made] = [each for each in listed if (each["attributes"]["description"] or "").startswith("terraform login")]
        http.delete(f"authentication-tokens/{made['id']}").raise_for_status()
        assert client.get("account/details").status_code == httpx.codes.UNAUTHORIZED


def test_the_discovery_document_names_the_addresses_that_the_page_gives_by_hand(service: Service) -> None:
    found = httpx.get(f"{service.url}/.well-known/terraform.json", trust_env=False, verify=NO_CERTIFICATES).json()[
        "login.v1"
    ]
    assert {name: f"{service.url}{found[name]}" for name in ("authz", "token")} == {
        "authz": f"{service.url}/oauth/authorization",
        "token": f"{service.url}/oauth/token",
    }
