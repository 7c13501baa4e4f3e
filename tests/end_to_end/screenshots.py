"""Makes the pictures of the console in the README: ``make screenshots``.

It starts a service and an agent of its own with a small shop as data, and leaves nothing but the pictures.
"""

import shutil
import sys
import tempfile
from io import BytesIO
from pathlib import Path
from typing import Final

from PIL import Image
from playwright.sync_api import Page

from tests.end_to_end.agents import AgentProcess
from tests.end_to_end.console_browser import MISSING, Window, chromium, chromium_path
from tests.end_to_end.service import REPOSITORY, Service, poll_until
from tests.end_to_end.story import Caller
from tests.support.api import document
from tests.support.configurations import archive

FOLDER: Final = REPOSITORY / "docs" / "images"
PASSWORD: Final = "a password of the screenshots"
ORGANIZATION: Final = "acme"
# A palette is enough for a page, and keeps the pictures small.
COLOURS: Final = 128
MAIN: Final = """
variable "region" { default = "eu-central" }
variable "servers" { default = 2 }
resource "terraform_data" "network" { input = { region = var.region, range = "10.0.0.0/16" } }
resource "terraform_data" "database" { input = { network = terraform_data.network.output.range, size = "large" } }
resource "terraform_data" "server" {
  count = var.servers
  input = { network = terraform_data.network.output.range, database = terraform_data.database.id, number = count.index }
}
output "region" { value = var.region }
output "servers" { value = terraform_data.server[*].id }
"""
WORKSPACES: Final = ("checkout", "search", "shop-eu", "shop-us", "warehouse")


def main() -> None:
    """Make both pictures, or say what is missing."""
    missing = MISSING if chromium_path() is None else None if shutil.which("terraform") else "no terraform on the PATH"
    if missing:
        sys.exit(f"no screenshots: {missing}")
    folder = Path(tempfile.mkdtemp(prefix="groundplan-screenshots-"))
    try:
        service = Service(folder, f"sqlite:///{folder / 'database'}").install().start()
        service.run_flask("set-password", service.username, given=f"{PASSWORD}\n")
        agent = AgentProcess(service).start()
        try:
            with service.client(service.user_token) as client:
                project, run = fill(Caller(client, service.username))
            with chromium() as browser:
                window = Window(browser, service.url)
                window.sign_in(service.username, PASSWORD)
                page = window.open(f"/{ORGANIZATION}/workspaces/shop-eu/runs/{run}")
                page.locator(".changes details").first.wait_for()
                page.locator(".changes details").first.click()
                page.get_by_role("log").get_by_text("Plan: ").wait_for()
                take(page, "run")
                take(window.open(f"/{ORGANIZATION}/projects/{project}"), "project")
        finally:
            agent.stop()
            agent.close()
            service.stop()
    finally:
        shutil.rmtree(folder)


def fill(owner: Caller) -> tuple[str, str]:
    """A project with workspaces, one of which has a run that waits; the ids of the project and the run."""
    owner.post("organizations", document("organizations", {"name": ORGANIZATION, "email": "ops@acme.test"}))
    sent = document("projects", {"name": "Shop", "description": "What customers see, and what is behind it"})
    project = owner.post(f"organizations/{ORGANIZATION}/projects", sent)["data"]["id"]
    made = {}
    for name in WORKSPACES:
        attributes = {"name": name, "execution-mode": "remote", "auto-apply": True}
        sent = document("workspaces", attributes)
        made[name] = owner.post(f"projects/{project}/workspaces", sent)["data"]["id"]
        if name != "search":
            upload(owner, made[name], MAIN)
            start(owner, made[name], "The first servers", "applied")
    shop = made["shop-eu"]
    owner.patch(f"workspaces/{shop}", document("workspaces", {"auto-apply": False}))
    upload(owner, shop, MAIN.replace('"large"', '"huge"').replace("= 2", "= 3"))
    return project, start(owner, shop, "A larger database, and a third server", "planned")


def upload(owner: Caller, workspace: str, text: str) -> None:
    """Bring a configuration, as terraform does."""
    wanted = document("configuration-versions", {"auto-queue-runs": False})
    made = owner.post(f"workspaces/{workspace}/configuration-versions", wanted)["data"]
    owner.raw("PUT", made["attributes"]["upload-url"], archive({"main.tf": text.encode()})).raise_for_status()


def start(owner: Caller, workspace: str, message: str, status: str) -> str:
    """Start a run and wait for it; its id."""
    run: str = owner.post("runs", document("runs", {"message": message}, workspace=("workspaces", workspace)))["data"][
        "id"
    ]
    poll_until(lambda: owner.get(f"runs/{run}")["data"]["attributes"]["status"] == status, 60, status)
    return run


def take(page: Page, name: str) -> None:
    """Save a picture of the page."""
    page.wait_for_load_state("networkidle")
    FOLDER.mkdir(exist_ok=True)
    picture = Image.open(BytesIO(page.screenshot(full_page=True))).convert("RGB")
    picture.quantize(COLOURS).save(FOLDER / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()
