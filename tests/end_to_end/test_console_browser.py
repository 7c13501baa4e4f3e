"""The console in a real browser: a story, the same without scripts and by keyboard, and every page once.

The pages are full of texts that try to run something.
"""

import json
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import expect

from app.console.blueprint import blueprint
from tests.end_to_end.agents import AgentProcess
from tests.end_to_end.console_browser import (
    LOADED,
    MISSING,
    NARROW,
    PATIENCE,
    WIDE,
    Window,
    chromium,
    chromium_path,
    looks,
    obstacles,
)
from tests.end_to_end.console_steps import (
    FOCUSED,
    PASSWORD,
    SMALL,
    Stage,
    create_project,
    create_workspace,
    delete_with_a_look_at_what_goes,
    invite,
    look_at_states_and_roll_back,
    press,
    reload_until,
    run_with_another_region,
    say_anybody,
    set_variable,
    sign_up,
    start_run,
    tab_to,
    watch_and_confirm,
)
from tests.end_to_end.service import Service, poll_until
from tests.end_to_end.story import Caller
from tests.end_to_end.terraform import needs_terraform
from tests.support.api import document
from tests.support.console_pages import paths

pytestmark = [
    needs_terraform,
    pytest.mark.one_database,
    pytest.mark.skipif(chromium_path() is None, reason=MISSING),
]

SECRET = "a-value-that-no-page-shows"
HOSTILE = "<img src=x onerror='window.ran=1;alert(1)'>\"'><script>window.ran=2</script>{{7*7}}"
MAIN = """
variable "region" { default = "eu" }
variable "secret" {
  default   = SECRET
  sensitive = true
}
resource "terraform_data" "network" { input = var.region }
resource "terraform_data" "server" {
  count = 3
  input = { network = terraform_data.network.output, number = count.index, password = var.secret }
}
resource "terraform_data" "named" {
  for_each = toset([HOSTILE])
  input    = each.key
  provisioner "local-exec" {
    command     = "echo \\"$TEXT\\""
    environment = { TEXT = HOSTILE }
  }
}
output "region" { value = var.region }
output "hostile" { value = HOSTILE }
output "secret" {
  value     = var.secret
  sensitive = true
}
"""


@pytest.fixture(scope="module")
def stage(service: Service) -> Iterator[Stage]:
    service.run_flask("set-password", service.username, given=f"{PASSWORD}\n")
    agent = AgentProcess(service).start()
    with chromium() as browser, service.client(service.user_token) as client:
        owner = Caller(client, service.username)
        name = f"console-{secrets.token_hex(4)}"
        owner.post("organizations", document("organizations", {"name": name, "email": "ops@acme.test"}))
        yield Stage(service, browser, owner, name)
    assert agent.stop() == 0
    agent.close()


@pytest.fixture(autouse=True)
def nothing_goes_wrong_in_windows(stage: Stage) -> Iterator[None]:
    """No page of any test shows a dialog, an error of a script, or a refusal of the content security policy."""
    yield
    faults = [fault for window in stage.windows for fault in window.faults]
    for window in stage.windows:
        window.close()
    stage.windows.clear()
    assert faults == []


def test_a_colleague_is_invited_and_looks_after_a_workspace(stage: Stage) -> None:
    name = f"grace-{secrets.token_hex(3)}"
    owner, hers = stage.window(), stage.window()
    link = invite(stage, owner.sign_in(stage.service.username, PASSWORD), f"{name}@people.test")
    page = hers.page
    sign_up(page, link, name)
    page.get_by_role("link", name=stage.organization).first.click()
    page.get_by_role("link", name="Shop").click()
    create_workspace(page, "shop-eu")
    set_variable(page, "region", "us")
    stage.upload("shop-eu", SMALL)
    start_run(page, "The first one")
    watch_and_confirm(page)
    page.get_by_role("link", name="shop-eu").first.click()
    expect(page.get_by_role("region", name="Resources")).to_contain_text("second")
    run_with_another_region(page)
    page.get_by_role("link", name="shop-eu").first.click()
    look_at_states_and_roll_back(page)
    delete_with_a_look_at_what_goes(owner.open(f"/{stage.organization}/workspaces/shop-eu/delete"))


def test_nothing_needs_a_script_or_a_wide_screen(stage: Stage) -> None:
    window = stage.window(narrow=True, scripts=False)
    page = window.sign_in(stage.service.username, PASSWORD)
    create_project(page, stage.organization, "Plain")
    create_workspace(page, "plain")
    set_variable(page, "region", "us")
    stage.upload("plain", SMALL)
    start_run(page, "Without a script")
    reload_until(page, "confirm or discard")
    page.get_by_role("link", name="Changes", exact=True).click()
    page.get_by_text("terraform_data.first").click()
    expect(page.get_by_role("row", name="input").first).to_contain_text("us")
    assert not window.is_too_wide()
    page.go_back()
    page.get_by_role("link", name="Log of the plan").click()
    expect(page.get_by_role("log")).to_contain_text("2 to add")
    assert not window.is_too_wide()
    page.go_back()
    press(page, "Confirm and apply")
    page.get_by_text("The run is confirmed").wait_for()
    reload_until(page, "applied")
    page.get_by_role("link", name="plain").first.click()
    page.get_by_role("link", name="Resources", exact=True).click()
    expect(page.get_by_role("main")).to_contain_text("second")
    page.go_back()
    page.get_by_role("link", name="States", exact=True).click()
    page.get_by_role("link", name="Picture").first.wait_for()
    assert not window.is_too_wide()
    page.get_by_role("link", name="Picture").first.click()
    expect(page.get_by_role("img", name="2 resources")).to_be_visible()


def test_the_keyboard_is_enough(stage: Stage) -> None:
    window = stage.window()
    page = window.open()
    # The first field has the focus already.
    page.keyboard.type(stage.service.username)
    tab_to(page, "Password")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Organizations").wait_for()
    page.keyboard.press("Tab")
    assert "Skip to the content" in page.evaluate(FOCUSED)["name"]
    page.keyboard.press("Enter")
    tab_to(page, "New organization")
    tab_to(page, stage.organization)
    page.keyboard.press("Enter")
    page.get_by_role("link", name="New project").wait_for()
    tab_to(page, "New project")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="New project").wait_for()
    tab_to(page, "Name")
    page.keyboard.type("By keyboard")
    page.keyboard.press("Enter")
    page.get_by_role("status").filter(has_text="Created").wait_for()
    create_workspace(page, "keys")
    stage.upload("keys", SMALL)
    start_run(page, "By keyboard")
    expect(page.get_by_role("button", name="Confirm and apply")).to_be_visible()
    tab_to(page, "Comment")
    page.keyboard.type("half of a")
    # While somebody types, the part of the page with the field is replaced.
    page.route(re.compile("/runs/run-[^/]*$"), say_anybody)
    expect(page.get_by_text("waits for anybody")).to_be_visible()
    page.keyboard.type(" comment")
    expect(page.locator("#why")).to_have_value("half of a comment")
    tab_to(page, "Discard")
    page.keyboard.press("Enter")
    expect(page.locator("[data-final]")).to_contain_text("discarded")


@dataclass
class Seen:
    """What was found on the pages, each with the name of its page."""

    pages: list[str] = field(default_factory=list)
    looks: set[str] = field(default_factory=set)
    wide: list[str] = field(default_factory=list)
    light: list[str] = field(default_factory=list)
    dark: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    ran: list[str] = field(default_factory=list)


def hostile_workspace(stage: Stage) -> dict[str, str]:
    """A workspace with everything, whose texts all try to run something; the parts of the addresses of pages."""
    owner, organization = stage.owner, stage.organization
    project = owner.post(
        f"organizations/{organization}/projects", document("projects", {"name": "Hostile", "description": HOSTILE})
    )["data"]["id"]
    attributes = {"name": "hostile", "description": HOSTILE, "execution-mode": "remote", "auto-apply": True}
    owner.post(f"projects/{project}/workspaces", document("workspaces", attributes))
    text = MAIN.replace("SECRET", json.dumps(SECRET)).replace("HOSTILE", json.dumps(HOSTILE))
    found = stage.upload("hostile", text)
    _run(stage, found, "applied")
    owner.patch(f"workspaces/{found}", document("workspaces", {"auto-apply": False}, id=found))
    for key, value in (("region", HOSTILE), ("other", SECRET)):
        variable = {"key": key, "value": value, "category": "terraform", "sensitive": value == SECRET}
        owner.post(f"workspaces/{found}/vars", document("vars", {**variable, "description": HOSTILE}))
    run = _run(stage, found, "planned")
    owner.post(f"runs/{run}/comments", document("comments", {"body": HOSTILE}))
    states = f"state-versions?filter[workspace][name]=hostile&filter[organization][name]={organization}"
    version = owner.get(states)["data"][0]["id"]
    return {
        "organization": organization,
        "project_id": project,
        "workspace": "hostile",
        "run_id": run,
        "phase": "plan",
        "version": version,
    }


def _run(stage: Stage, workspace: str, status: str) -> str:
    sent = document("runs", {"message": HOSTILE}, workspace=("workspaces", workspace))
    run: str = stage.owner.post("runs", sent)["data"]["id"]

    def is_there() -> bool:
        found: Any = stage.owner.get(f"runs/{run}")["data"]["attributes"]["status"]
        assert found != "errored", stage.owner.get(f"runs/{run}/plan")
        return bool(found == status)

    poll_until(is_there, 60, status)
    return run


@pytest.fixture(scope="module")
def seen(stage: Stage) -> Seen:
    """What is found on every page, wide and narrow, light and dark."""
    values, organization = hostile_workspace(stage), stage.organization
    created: dict[str, tuple[str, dict[str, Any]]] = {
        "teams": ("teams", {"name": HOSTILE}),
        "agent-pools": ("agent-pools", {"name": "hostile"}),
        "variable-sets": ("varsets", {"name": HOSTILE, "description": HOSTILE, "global": True}),
        "policies": ("policies", {"name": "hostile", "query": "data.terraform.deny", "description": HOSTILE}),
        "policy-sets": ("policy-sets", {"name": "hostile", "description": HOSTILE}),
    }
    entries = {}
    for entry, (kind, attributes) in created.items():
        content = json.dumps(document(kind, attributes)).encode()
        answer = stage.owner.raw("POST", f"organizations/{organization}/{kind}", content)
        assert answer.is_success, answer.text
        entries[entry] = answer.json()["data"]["id"]
    values["policy_id"] = entries["policies"]
    rego = f"# {HOSTILE}\npackage terraform\n".encode()
    assert stage.owner.raw("PUT", f"policies/{values['policy_id']}/upload", rego).is_success
    known = Flask("pages")
    known.register_blueprint(blueprint)
    found, window = Seen(), Window(stage.browser, stage.service.url, axe=True)
    look(found, window, "sign-in", "/sign-in")
    window.sign_in(stage.service.username, PASSWORD)
    # Forms are alike, so that a few are enough.
    every = {
        name: path
        for name, path in paths(known.url_map, values, entries).items()
        if not name.endswith(" new") or re.search(r"/settings/(policies|policy-sets|members)\?", path)
    }
    listed = {**every, "nothing": "/nowhere/at/all"}
    for name, path in listed.items():
        if "download" not in name:
            look(found, window, name, path)
    found.ran += window.faults
    window.close()
    return found


def look(found: Seen, window: Window, name: str, path: str) -> None:
    page = window.open(path)
    # Until all its parts have come in the places of the links to them.
    page.evaluate(LOADED, PATIENCE)
    page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
    found.pages.append(name)
    found.refused += [f"{name}: {each}" for each in window.refusals()]
    # The colours of what was on another page already are known.
    seen_now = looks(page)
    is_new = not seen_now <= found.looks
    found.looks |= seen_now
    found.light += [f"{name}: {each}" for each in obstacles(page, colours=is_new)]
    if is_new:
        page.emulate_media(color_scheme="dark")
        found.dark += [f"{name}: {each}" for each in obstacles(page, only_colours=True)]
        page.emulate_media(color_scheme="light")
    page.set_viewport_size(NARROW)
    found.wide += [name] if window.is_too_wide() else []
    page.set_viewport_size(WIDE)
    if page.evaluate("window.ran") or SECRET in page.content():
        found.ran.append(name)


def test_no_page_runs_what_it_shows(seen: Seen) -> None:
    assert len(seen.pages) > 50
    assert seen.ran == []


def test_the_content_security_policy_has_nothing_to_refuse(seen: Seen) -> None:
    assert seen.refused == []


def test_no_page_is_wider_than_a_phone(seen: Seen) -> None:
    assert seen.wide == []


def test_nothing_keeps_people_from_using_a_page(seen: Seen) -> None:
    assert seen.light == []
    assert seen.dark == []
