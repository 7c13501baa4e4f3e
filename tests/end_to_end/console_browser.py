"""A real browser in front of the console, and what it must never see there."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Dialog,
    Page,
    ViewportSize,
    expect,
    sync_playwright,
)

# The setting that names the browser, and where browsers are otherwise.
SETTING: Final = "CHROMIUM"
USUAL: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MISSING: Final = (
    f"no Chromium was found: install Debian's package chromium (apt-get install chromium), or set {SETTING} to its path"
)
WIDE: Final[ViewportSize] = {"width": 1200, "height": 800}
NARROW: Final[ViewportSize] = {"width": 360, "height": 740}
# How long a page may take to show something, in milliseconds.
PATIENCE: Final = 15_000
# Ends when all parts of the page have come in the places of the links to them. The page looks itself, each few
# milliseconds, because questions from outside take longer.
LOADED: Final = """(patience) => new Promise((done, failed) => {
  const last = performance.now() + patience;
  const look = () => {
    if (!document.querySelector("[data-load]:not([data-later]) > a:only-child")) done();
    else if (performance.now() > last) failed(new Error("parts are missing"));
    else setTimeout(look, 10);
  };
  look();
})"""
SERIOUS: Final = {"serious", "critical"}
# Runs before every page: what the content security policy refuses is kept, and so is what a hostile text could do.
WATCH: Final = """
window.refusals = [];
document.addEventListener("securitypolicyviolation",
  (event) => window.refusals.push(`${event.violatedDirective} ${event.blockedURI}`));
"""


def chromium_path() -> str | None:
    """The browser of this machine."""
    named = os.environ.get(SETTING)
    if named:
        return named if Path(named).exists() else None
    return next((path for name in USUAL if (path := shutil.which(name) or _in_usual_folder(name))), None)


def _in_usual_folder(name: str) -> str | None:
    path = Path("/usr/bin", name)
    return str(path) if path.exists() else None


@contextmanager
def chromium() -> Iterator[Browser]:
    """The browser of this machine, running without a window."""
    with sync_playwright() as playwright:
        # Chromium's own sandbox takes rights that root does not give it.
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        expect.set_options(timeout=PATIENCE)
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=arguments)
        yield browser
        browser.close()


class Window:
    """A window of the browser with cookies of its own. It keeps what goes wrong in its pages."""

    def __init__(
        self, browser: Browser, url: str, *, narrow: bool = False, scripts: bool = True, axe: bool = False
    ) -> None:
        """``url`` is that of the service. With ``axe``, every page has its script, which ``obstacles`` takes."""
        self.url = url
        self.faults: list[str] = []
        self.context: BrowserContext = browser.new_context(
            viewport=NARROW if narrow else WIDE,
            java_script_enabled=scripts,
            reduced_motion="reduce",
        )
        self.context.set_default_timeout(PATIENCE)
        self.context.add_init_script(WATCH)
        if axe:
            # Sent to the browser once; for each page it would take longer than what it does there.
            self.context.add_init_script(Axe().axe_script)
        self.page: Page = self.context.new_page()
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.faults.append(f"{self.page.url}: {error}"))
        self.page.on("dialog", self._dismiss)

    def _hear(self, message: ConsoleMessage) -> None:
        # A page that is a refusal is no fault; a part of a page that is one is.
        is_page = message.location["url"] == self.page.url
        if message.type in {"error", "warning"} and not is_page:
            self.faults.append(f"{self.page.url}: {message.text}")

    def _dismiss(self, dialog: Dialog) -> None:
        self.faults.append(f"{self.page.url}: a dialog says {dialog.message}")
        dialog.dismiss()

    def open(self, path: str = "") -> Page:
        """The page at a path below the console's."""
        self.page.goto(f"{self.url}/app{path}")
        return self.page

    def sign_in(self, account: str, password: str) -> Page:
        """Fill in the form to sign in."""
        page = self.open()
        page.get_by_label("Username or e-mail address").fill(account)
        page.get_by_label("Password").fill(password)
        page.locator("main").get_by_role("button", name="Sign in").click()
        page.get_by_role("heading", name="Organizations").wait_for()
        return page

    def refusals(self) -> list[str]:
        """What the content security policy has refused on this page."""
        return [str(each) for each in self.page.evaluate("window.refusals || []")]

    def is_too_wide(self) -> bool:
        """Whether one has to scroll to the side."""
        return bool(self.page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))

    def close(self) -> None:
        """Close it with all its pages."""
        self.context.close()


def looks(page: Page) -> set[str]:
    """The kinds of elements on the page and their classes, which decide their colours."""
    return set(
        page.evaluate(
            "Array.from(document.querySelectorAll('body *'), (each) => "
            " `${each.localName} ${each.getAttribute('class')}`)"
        )
    )


def obstacles(page: Page, *, colours: bool = True, only_colours: bool = False) -> list[str]:
    """What axe finds that keeps people from using the page, seriously. Looking at colours takes longest."""
    options: dict[str, Any] = {"resultTypes": ["violations"], "rules": {"color-contrast": {"enabled": colours}}}
    if only_colours:
        options = {**options, "runOnly": ["color-contrast"]}
    found = page.evaluate("options => axe.run(options).then((each) => each.violations)", options)
    return [
        f"{each['id']}: {node['html'][:200]} {node.get('failureSummary', '')[:200]}"
        for each in found
        if each["impact"] in SERIOUS
        for node in each["nodes"]
    ]
