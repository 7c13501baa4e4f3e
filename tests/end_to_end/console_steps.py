"""What people do in the console, step by step, with a browser."""

from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.end_to_end.console_browser import Window
from tests.end_to_end.service import Service, poll_until
from tests.end_to_end.story import Caller
from tests.support.api import document
from tests.support.configurations import archive

PASSWORD = "a password of the browser tests"
SMALL = """
variable "region" { default = "eu" }
resource "terraform_data" "first" { input = var.region }
resource "terraform_data" "second" {
  input = terraform_data.first.output
  provisioner "local-exec" {
    command = "echo the second one is made; sleep 2"
  }
}
"""


@dataclass
class Stage:
    """A service with an agent, its owner, and the browser."""

    service: Service
    browser: Browser
    owner: Caller
    organization: str
    windows: list[Window] = field(default_factory=list)

    def window(self, **options: bool) -> Window:
        """A window in which nobody has signed in."""
        self.windows.append(Window(self.browser, self.service.url, **options))
        return self.windows[-1]

    def upload(self, workspace: str, text: str) -> str:
        """What terraform does before a run: bring the configuration; the id of the workspace."""
        path = f"organizations/{self.organization}/workspaces/{workspace}"
        found: str = self.owner.get(path)["data"]["id"]
        wanted = document("configuration-versions", {"auto-queue-runs": False})
        made = self.owner.post(f"workspaces/{found}/configuration-versions", wanted)["data"]
        content = archive({"main.tf": text.encode()})
        answer = self.owner.raw("PUT", made["attributes"]["upload-url"], content)
        assert answer.is_success, answer.text
        return found


def press(page: Page, name: str) -> None:
    page.locator("main").get_by_role("button", name=name, exact=True).click()


def fill(page: Page, **fields: str) -> None:
    for label, text in fields.items():
        page.locator("main").get_by_label(label.replace("_", " "), exact=True).fill(text)


def create_project(page: Page, organization: str, name: str) -> None:
    page.get_by_role("link", name=organization, exact=True).first.click()
    page.get_by_role("link", name="New project").click()
    fill(page, Name=name, Description="What we sell")
    press(page, "Create")


def create_workspace(page: Page, name: str) -> None:
    page.get_by_role("link", name="New workspace").click()
    fill(page, Name=name)
    page.get_by_label("Where terraform runs").select_option("remote")
    press(page, "Create")
    expect(page.get_by_role("heading", name=name)).to_be_visible()


def set_variable(page: Page, key: str, value: str) -> None:
    page.get_by_role("link", name="Variables", exact=True).click()
    fill(page, Key=key, Value=value)
    press(page, "Create")
    expect(page.get_by_role("rowheader", name=key).first).to_be_visible()


def start_run(page: Page, message: str) -> None:
    page.get_by_role("link", name="Start a run").click()
    fill(page, Message=message)
    press(page, "Start")
    expect(page.get_by_role("heading", name=message)).to_be_visible()


def invite(stage: Stage, page: Page, email: str) -> str:
    """Create a project and invite somebody to it; the link of the invitation."""
    create_project(page, stage.organization, "Shop")
    page.get_by_role("link", name="Settings", exact=True).click()
    page.get_by_role("link", name="Invitations", exact=True).click()
    page.get_by_role("link", name="New", exact=True).click()
    fill(page, Email=email)
    page.get_by_label("Role").select_option("admin")
    press(page, "Create")
    return page.locator("main code").inner_text()


def sign_up(page: Page, link: str, name: str) -> None:
    page.goto(link)
    fill(page, User_name=name)
    page.get_by_label("New password").fill(PASSWORD)
    page.get_by_label("The password again").fill(PASSWORD)
    press(page, "Make an account and accept")
    page.get_by_role("link", name="console").click()


def watch_and_confirm(page: Page) -> None:
    """Nobody loads the page of the run again: the log, the changes, the button and the next log come by themselves."""
    page.evaluate("window.loaded = 'once'")
    expect(page.get_by_role("log")).to_contain_text("Plan: 2 to add")
    expect(page.get_by_role("region", name="Changes")).to_contain_text("terraform_data.second")
    page.locator("#why").fill("fine")
    assert page.evaluate("window.loaded") == "once"
    press(page, "Confirm and apply")
    page.get_by_text("The run is confirmed").wait_for()
    page.evaluate("window.loaded = 'twice'")
    applying = page.get_by_role("log", name="Log of the apply")
    expect(applying).to_contain_text("the second one is made")
    expect(page.locator("[data-final]")).to_contain_text("applied")
    expect(applying).to_contain_text("Apply complete")
    assert page.evaluate("window.loaded") == "twice"


def run_with_another_region(page: Page) -> None:
    page.get_by_role("link", name="Variables", exact=True).click()
    row = page.get_by_role("row", name="region").first
    row.get_by_text("Edit").click()
    page.get_by_label("New value of region").fill("asia")
    row.get_by_role("button", name="Save").click()
    start_run(page, "The second one")
    page.get_by_role("button", name="Confirm and apply").click()
    expect(page.locator("[data-final]")).to_contain_text("applied")


def look_at_states_and_roll_back(page: Page) -> None:
    page.get_by_role("link", name="States", exact=True).click()
    page.get_by_role("link", name="Picture").first.click()
    expect(page.get_by_role("img", name="2 resources")).to_contain_text("terraform_data.second")
    page.go_back()
    page.get_by_role("link", name="Changes").first.click()
    page.get_by_text("terraform_data.first").click()
    expect(page.get_by_role("row", name="input").first).to_contain_text("asia")
    page.go_back()
    page.get_by_text("Roll back").last.click()
    page.get_by_role("button", name="current state again").last.click()
    expect(page.get_by_role("status")).to_contain_text("rolled back")


def delete_with_a_look_at_what_goes(page: Page) -> None:
    expect(page.get_by_role("region", name="Delete")).to_contain_text("2 resources")
    page.get_by_label("Type the name shop-eu").fill("shop-us")
    press(page, "Delete by force")
    expect(page.get_by_role("alert")).to_contain_text("Nothing was changed")
    page.get_by_label("Type the name shop-eu").fill("shop-eu")
    press(page, "Delete by force")
    expect(page.get_by_role("status")).to_contain_text("Deleted")


def reload_until(page: Page, text: str) -> None:
    def is_there() -> bool:
        page.reload()
        return text in page.locator("main").inner_text()

    poll_until(is_there, 30, text)


def tab_to(page: Page, name: str) -> None:
    """Press Tab until the focus is on what has this name, and see that it is visible there all the way."""
    for _ in range(80):
        page.keyboard.press("Tab")
        seen = page.evaluate(FOCUSED)
        assert seen["visible"], seen
        if name in seen["name"]:
            return
    pytest.fail(f"Tab never came to {name}")


def say_anybody(route: Route) -> None:
    # As if something had changed.
    answer = route.fetch(headers={name: text for name, text in route.request.headers.items() if name != "x-version"})
    route.fulfill(response=answer, body=answer.text().replace("somebody", "anybody"))


FOCUSED = """() => {
  const it = document.activeElement;
  const style = getComputedStyle(it);
  const label = it.labels && it.labels.length ? it.labels[0].textContent : "";
  const box = it.getBoundingClientRect();
  const marked = style.outlineStyle !== "none" || style.boxShadow !== "none" || it.matches(".skip, summary");
  return {
    name: `${label} ${it.getAttribute("aria-label") || ""} ${it.textContent}`.trim(), html: it.outerHTML.slice(0, 200),
    visible: it === document.body || (marked && box.width > 0 && box.bottom > 0 && box.right > 0),
  };
}"""
