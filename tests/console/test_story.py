"""Daily work in the console without a script: every form, one after the other."""

import re

import pytest
from webtest.forms import Hidden
from webtest.response import TestResponse

from tests.support.browser import PASSWORD
from tests.support.console import HOSTILE, SECRET, Scene, sign_in
from tests.support.stages import add_stages


def form_with(page: TestResponse, text: str) -> object:
    """The form that has this text."""
    return next(form for form in page.forms.values() if text in form.text)


def submit(page: TestResponse, text: str, button: str = "", **values: str) -> TestResponse:
    form = form_with(page, text)
    for name, value in values.items():
        form[name.replace("_", "-")] = value  # type: ignore[index]
    is_hidden = button and isinstance(form.fields["do"][0], Hidden)  # type: ignore[attr-defined]
    sent = form.submit("do", value=button) if button and not is_hidden else form.submit()  # type: ignore[attr-defined]
    assert sent.status_int == 303, sent.text
    answer: TestResponse = sent.follow()
    return answer


def test_a_platform_engineer_needs_no_curl(scene: Scene) -> None:
    org = scene.organization.name
    page = submit(scene.visit(f"/{org}/projects/new"), "Create", name="Shop", description="What we sell")
    assert "Created." in page.text
    project = page.request.path
    page = submit(page.click("New workspace"), "Create", name="shop-eu", terraform_version="1.11.4")
    workspace = page.request.path.removeprefix("/app")
    page = submit(scene.visit(workspace), "Lock", "lock", reason=HOSTILE)
    assert "&lt;script&gt;" in page.text
    page = submit(page, "Unlock", "unlock")
    page = submit(scene.visit(f"{workspace}/variables"), "Create", key="region", value="eu")
    page = submit(page, "Save", "save", value="us")
    assert "us" in page.text
    page = submit(page, "Save", "delete")
    assert "region" not in page.text
    settings = scene.visit(f"{workspace}/settings")
    page = submit(settings, "Working directory", working_directory="infra", description=HOSTILE)
    assert "infra" in page.text
    page = submit(scene.visit(f"{workspace}/delete"), "Delete if", "safe-delete", name="shop-eu")
    assert "shop-eu" not in page.text
    danger = scene.visit(f"{project.removeprefix('/app')}/delete")
    assert "nothing: the project is empty" in danger.text
    page = submit(danger, "Delete the project", "delete", name="Shop")
    assert "Deleted." in page.text


def test_a_run_is_read_confirmed_and_its_state_rolled_back(scene: Scene) -> None:
    place = f"/{scene.organization.name}/workspaces/{scene.name}"
    page = scene.visit(f"{place}/runs/{scene.waiting}")
    assert "It waits for somebody to confirm or discard it." in page.text
    page = submit(page, "Confirm and apply", "apply", comment="looks good")
    assert scene.status(scene.waiting) == "apply_queued"
    assert "waits for an agent" in page.text
    scene.agent.apply()
    page = submit(page, "Add the comment", comment=HOSTILE)
    assert "looks good" in scene.visit(f"{place}/runs/{scene.waiting}/history").text
    states = scene.visit(f"{place}/states")
    assert len(re.findall("Roll back", states.text)) >= 1
    assert "The state is rolled back." in submit(states, "current state again").text
    # The lock was taken for it, and given back.
    assert "Nobody holds the lock." in scene.visit(place).text
    # From the address that terraform prints.
    printed = scene.visit(f"/{scene.organization.name}/{scene.name}/runs/{scene.waiting}")
    assert printed.location == f"/app{place}/runs/{scene.waiting}"


def test_the_link_of_a_workspace_for_people_leads_to_its_page(scene: Scene) -> None:
    links = scene.api.get(scene.path, scene.owner.token)["data"]["links"]
    assert scene.visit(links["self-html"].removeprefix("/app")).html.h1.text == scene.name


def test_a_run_is_started_as_it_was_asked_for(scene: Scene) -> None:
    place = f"/{scene.organization.name}/workspaces/{scene.name}"
    page = submit(scene.visit(f"{place}/runs/new"), "Kind", kind="destroy", message="Bye", target_addrs="a.b c.d[0]")
    shown = scene.show(page.request.path.rpartition("/")[2])
    assert (shown["is-destroy"], shown["message"], shown["target-addrs"]) == (True, "Bye", ["a.b", "c.d[0]"])
    refused = scene.visit(f"{place}/runs/new").forms[1]
    refused["target-addrs"] = "-x"
    answer = refused.submit(expect_errors=True)
    assert answer.status_int == 422
    assert "aws_instance.web" in answer.text


@pytest.mark.one_database
def test_things_in_sections_are_made_changed_and_deleted(scene: Scene) -> None:
    settings = f"/{scene.organization.name}/settings"
    page = submit(scene.visit(f"{settings}/teams?new=1"), "Create", name=HOSTILE)
    assert HOSTILE not in page.text
    form = next(form for form in page.forms.values() if "Delete" in form.text and "&lt;script" in form.text)
    form["visibility"] = "organization"
    assert "Saved." in form.submit("do", value="change").follow().text
    assert "Deleted." in form.submit("do", value="delete").follow().text
    taken = scene.visit(f"{settings}/teams?new=1").forms[1]
    taken["name"] = "owners"
    answer = taken.submit(expect_errors=True)
    assert answer.status_int == 422
    assert "is-invalid" in answer.text


@pytest.mark.one_database
def test_tokens_are_shown_once(scene: Scene) -> None:
    form = form_with(scene.visit("/settings"), "What it is for")
    form["description"] = "for a script"  # type: ignore[index]
    made = form.submit()  # type: ignore[attr-defined]
    (token,) = re.findall(r"[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9]+", made.html.select_one("code").text)
    assert scene.api.get("/account/details", token)["data"]["id"] == scene.owner.id
    again = scene.visit("/settings")
    assert token not in again.text
    form = next(form for form in again.forms.values() if form.action.endswith("/revoke"))
    assert "The token is revoked." in form.submit().follow().text


@pytest.mark.one_database
def test_a_form_that_is_refused_shows_no_secret_again(scene: Scene) -> None:
    page = scene.visit(f"/{scene.organization.name}/workspaces/{scene.name}/variables")
    form = form_with(page, "The value is HCL")
    form["key"], form["value"] = "hidden", SECRET  # type: ignore[index]
    answer = form.submit(expect_errors=True)  # type: ignore[attr-defined]
    assert answer.status_int == 422
    assert SECRET not in answer.text


@pytest.mark.one_database
def test_no_form_of_another_page_does_anything(scene: Scene) -> None:
    place = f"/app/{scene.organization.name}/workspaces/{scene.name}"
    for token in ("", "forged"):
        sent = {"form_token": token, "do": "lock"}
        answer = scene.browser.app.post(f"{place}/lock", sent, expect_errors=True)
        assert answer.status_int == 403
    assert not scene.api.get(f"/workspaces/{scene.workspace.id}", scene.owner.token)["data"]["attributes"][
        "locked-reason"
    ]


@pytest.mark.one_database
@pytest.mark.parametrize(
    "elsewhere", ["//evil.test", "https://evil.test/app", "/\\evil.test", "/app\\..\\x", "/docs", ""]
)
def test_signing_in_leads_to_no_other_host(scene: Scene, elsewhere: str) -> None:
    answer = scene.browser.app.get("/app/sign-in", {"next": elsewhere}, expect_errors=True)
    assert (answer.status_int, answer.location) == (303, "/app")


@pytest.mark.one_database
def test_signing_out_ends_the_session(scene: Scene) -> None:
    page = scene.visit("")
    cookie = scene.browser.cookie
    form_with(page, "Sign out").submit()  # type: ignore[attr-defined]
    assert scene.browser.cookie != cookie
    assert scene.visit("").status_int == 303


@pytest.mark.one_database
def test_events_are_downloaded_as_a_table_without_formulas(scene: Scene) -> None:
    scene.world.project(scene.organization)
    scene._patch(f"/projects/{scene.project.id}", "projects", description="=1+1")
    table = scene.visit(f"/{scene.organization.name}/settings/activity.csv?filter[action]=projects.*").text
    assert table.startswith('"id","created-at","action","actor"')
    assert "projects.update" in table
    assert not re.search(r'(^|,)"?[=+@-]', table, re.MULTILINE)


@pytest.mark.one_database
def test_style_sheets_are_kept_for_ever_and_compressed(scene: Scene) -> None:
    page = scene.visit("")
    (address,) = re.findall(r'href="(/app/assets/[0-9a-f]{16}/bootstrap.css)"', page.text)
    answer = scene.app.test_client().get(address, headers={"Accept-Encoding": "gzip"})
    assert "immutable" in answer.headers["Cache-Control"]
    assert answer.headers["Content-Encoding"] == "gzip"
    assert scene.browser.app.get(address.replace(address.split("/")[3], "0" * 16), expect_errors=True).status_int == 404


@pytest.mark.one_database
def test_sessions_are_listed_and_ended(scene: Scene) -> None:
    other = sign_in(scene.app, scene.world, scene.owner, ip="192.0.2.7")
    page = scene.visit("/settings")
    assert len(re.findall("this browser", page.text)) == 1
    ending = [form for form in page.forms.values() if form.action.endswith("/end")]
    assert len(ending) == 2
    # The newest is the first: the other browser's.
    assert "The session is ended." in ending[0].submit().follow().text
    assert scene.visit("", other).status_int == 303
    assert ending[0].submit(expect_errors=True).status_int == 404


@pytest.mark.one_database
def test_an_administrator_suspends_a_user_and_nobody_else_finds_the_page(scene: Scene) -> None:
    for path in ("/admin/users", "/admin/organizations"):
        assert scene.visit(path).status_int == 404
    administrator = scene.world.person(site_role="admin")
    browser = sign_in(scene.app, scene.world, administrator, ip="192.0.2.8")
    page = scene.visit(f"/admin/users?q={scene.owner.username}", browser)
    form = next(form for form in page.forms.values() if "Suspend" in form.text)
    assert "suspended" in form.submit("do", value="suspend").follow().text
    listed = scene.visit(f"/admin/organizations?q={scene.organization.name}", browser)
    assert scene.organization.name in listed.click("^Organizations$").text
    assert [row.a.text for row in listed.html.select("tbody tr")] == [scene.organization.name]
    assert scene.visit("").status_int == 303


@pytest.mark.one_database
def test_failures_are_pages_too(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    missing = scene.visit("/no/such/page/at/all")
    assert (missing.status_int, missing.content_type) == (404, "text/html")
    wrong = scene.browser.app.post("/app/assets/x/y", expect_errors=True)
    assert wrong.status_int == 405

    def fail(*_: object) -> None:
        raise RuntimeError(SECRET)

    monkeypatch.setattr("app.console.organizations.page_query", fail)
    failed = scene.visit("")
    assert (failed.status_int, failed.content_type) == (500, "text/html")
    assert "The operators find the reason in the log" in failed.text
    assert SECRET not in failed.text


@pytest.mark.one_database
def test_a_no_of_a_policy_is_overridden(scene: Scene) -> None:
    scene.act(scene.waiting, "discard")
    run_id = scene.new()
    add_stages(scene, run_id, "post_plan", says="failed", overridable=True)
    scene.agent.plan()
    place = f"/{scene.organization.name}/workspaces/{scene.name}/runs/{run_id}"
    page = scene.visit(f"{place}/checks")
    assert "awaiting override" in page.text
    assert "The run goes on." in submit(page, "Let the run go on", comment="for the exam").text
    assert "awaiting override" not in scene.visit(f"{place}/checks").text


@pytest.mark.one_database
def test_who_lacks_a_right_learns_what_they_may_do(scene: Scene) -> None:
    viewer = scene.world.person()
    scene.world.project_member(scene.project, viewer, "viewer")
    browser = sign_in(scene.app, scene.world, viewer, ip="192.0.2.9")
    place = f"/{scene.organization.name}/workspaces/{scene.name}"
    page = scene.visit(place, browser)
    assert "Start a run" not in page.text
    token = page.forms[0]["form_token"].value
    sent = {"form_token": token, "do": "lock"}
    refused = browser.app.post(f"/app{place}/lock", sent, expect_errors=True)
    assert refused.status_int == 404
    assert "workspace:lock" in refused.click("What you may do here").text


@pytest.mark.one_database
def test_the_token_of_an_organization_is_made_shown_once_and_deleted(scene: Scene) -> None:
    place = f"/{scene.organization.name}/settings/token"
    made = form_with(scene.visit(place), "Create").submit("do", value="create")  # type: ignore[attr-defined]
    token = made.html.select_one("code").text
    assert scene.api.get(f"/organizations/{scene.organization.name}", token)
    again = scene.visit(place)
    assert token not in again.text
    deleted = form_with(again, "Delete").submit("do", value="delete").follow()  # type: ignore[attr-defined]
    assert "The token is revoked." in deleted.text
    scene.api.get(f"/organizations/{scene.organization.name}", token, expect=401)


@pytest.mark.one_database
def test_from_the_members_one_sees_what_each_may_do(scene: Scene) -> None:
    viewer = scene.world.person()
    scene.world.project_member(scene.project, viewer, "viewer")
    page = scene.visit(f"/{scene.organization.name}/projects/{scene.project.id}/members").click("Permissions")
    rows = {row.th.text: row.td.text for row in page.html.select("tbody tr")}
    assert (rows["project:read"], rows["project:delete"]) == ("yes", "no")
    assert "viewer on the project" in page.text
    browser = sign_in(scene.app, scene.world, viewer, ip="192.0.2.11")
    seen = scene.visit(f"/{scene.organization.name}/projects/{scene.project.id}/members", browser)
    # Only those who manage the members may ask about others.
    assert [link["href"].partition("subject=")[2] for link in seen.html.find_all("a", string="Permissions")] == [
        viewer.id
    ]


@pytest.mark.one_database
def test_the_account_is_changed(scene: Scene) -> None:
    page = submit(scene.visit("/settings"), "E-mail address", username="renamed", email="renamed@example.test")
    assert "renamed" in page.text
    form = form_with(page, "New password, again")
    form["current_password"], form["password"] = "wrong", "another long password"  # type: ignore[index]
    form["password_confirmation"] = "another long password"  # type: ignore[index]
    refused = form.submit(expect_errors=True)  # type: ignore[attr-defined]
    assert refused.status_int == 422
    assert "another long password" not in refused.text
    form["current_password"] = PASSWORD  # type: ignore[index]
    assert form.submit().status_int == 303  # type: ignore[attr-defined]
    # A new password ends all sessions.
    assert scene.visit("").location.startswith("/app/sign-in")


@pytest.mark.one_database
def test_projects_are_wiped_given_away_and_organizations_made(scene: Scene) -> None:
    administrator = sign_in(scene.app, scene.world, scene.world.person(site_role="admin"), ip="192.0.2.10")
    new = scene.visit("/organizations/new", administrator)
    made = submit(new, "Create", name="made-here", email="ops@example.test")
    assert made.request.path == "/app/made-here"
    twice = new.forms[1]
    twice["name"], twice["email"] = "made-here", "ops@example.test"
    assert twice.submit(expect_errors=True).status_int == 422
    place = f"/{scene.organization.name}/projects/{scene.project.id}"
    heir = scene.world.person()
    scene.world.project_member(scene.project, heir, "admin")
    wrong = form_with(scene.visit(f"{place}/transfer"), "Transfer")
    wrong["name"] = "another"  # type: ignore[index]
    assert wrong.submit("do", value="transfer", expect_errors=True).status_int == 422  # type: ignore[attr-defined]
    scene.act(scene.waiting, "discard")
    assert "Deleted." in submit(scene.visit(f"{place}/delete"), "Wipe the", "wipe", name=scene.project.name).text
    assert scene.name not in scene.visit(place).text


@pytest.mark.one_database
def test_a_workspace_is_moved_and_deleted_by_force(scene: Scene) -> None:
    place = f"/{scene.organization.name}/workspaces/{scene.name}"
    other = scene.world.project(scene.organization, "Elsewhere")
    form = form_with(scene.visit(f"{place}/delete"), "Move")
    form["project"] = other.id  # type: ignore[index]
    scene.act(scene.waiting, "discard")
    assert "Elsewhere" in form.submit("do", value="move").follow().text  # type: ignore[attr-defined]
    gone = submit(scene.visit(f"{place}/delete"), "by force", "force-delete", name=scene.name)
    assert "Deleted." in gone.text
    assert scene.visit(place).status_int == 404


@pytest.mark.one_database
def test_overridden_variables_stand_beside_those_that_win(scene: Scene) -> None:
    org, token = scene.organization.name, scene.owner.token
    sent = {"data": {"type": "varsets", "attributes": {"name": "winning", "global": True, "priority": True}}}
    made = scene.api.post(f"/organizations/{org}/varsets", token, sent)["data"]["id"]
    for key, value, is_secret in (("shown", "from the set", False), ("hidden", SECRET, True)):
        variable = {"key": key, "value": value, "category": "terraform", "sensitive": is_secret}
        sent = {"data": {"type": "vars", "attributes": variable}}
        scene.api.post(f"/varsets/{made}/relationships/vars", token, sent)
    page = scene.visit(f"/{org}/workspaces/{scene.name}/variables/in-force")
    rows = [[cell.text.strip() for cell in row.find_all(["th", "td"])] for row in page.html.select("tbody tr")]
    assert [[row[0], row[1], row[4]] for row in rows if row[2] == "terraform"] == [
        ["hidden", "sensitive", "yes"],
        ["hidden", "sensitive", "no"],
        ["shown", "from the set", "yes"],
        ["shown", HOSTILE, "no"],
    ]
    assert "winning: a global set with priority" in page.text.replace("</a>", "")
    assert SECRET not in page.text


@pytest.mark.one_database
def test_several_workspaces_are_moved_after_a_look_at_who_has_access(scene: Scene) -> None:
    org, world = scene.organization.name, scene.world
    for name in ("first", "second", "stays"):
        world.workspace(scene.project, name)
    other = world.project(scene.organization, "Elsewhere")
    world.project_member(other, world.person("heir"), "member")
    place = f"/{org}/projects/{scene.project.id}"
    form = form_with(scene.visit(place), "Move the chosen")
    for box in form.fields["name"]:  # type: ignore[attr-defined]
        box.checked = box._value in {"first", "second"}
    page = form.submit()  # type: ignore[attr-defined]
    form = form_with(page, "Show what changes")
    form["to"] = other.id  # type: ignore[index]
    page = form.submit()  # type: ignore[attr-defined]
    loaded = [each["data-load"] for each in page.html.select("[data-load]")]
    assert len(loaded) == 4
    assert "Nobody loses access to them." in page.text
    assert "Who would get more access to them: <strong>heir</strong> (member)." in page.text
    assert "Sections" not in scene.visit(loaded[0].removeprefix("/app"), None, **{"X-Part": "section"}).text
    form = form_with(page, "Move 2 workspaces")
    moved = form.submit().follow()  # type: ignore[attr-defined]
    assert ("Moved." in moved.text, "first" in moved.text, "stays" in moved.text) == (True, True, False)
    # A second time changes nothing.
    assert form.submit().status_int == 303  # type: ignore[attr-defined]
    viewer = world.member(scene.organization)
    world.project_member(scene.project, viewer, "viewer")
    browser = sign_in(scene.app, world, viewer, ip="192.0.2.3")
    assert "Move the chosen" not in scene.visit(place, browser).text
    refused = scene.visit(f"{place}/move?name=stays&to={scene.project.id}", browser)
    answer = form_with(refused, "Move 1 workspace").submit(expect_errors=True)  # type: ignore[attr-defined]
    assert answer.status_int == 404
