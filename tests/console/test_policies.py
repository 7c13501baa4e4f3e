"""Policies and policy sets: made, their text replaced, what is in a set, and who may change that."""

import re

import pytest

from tests.console.test_story import form_with, submit
from tests.support.console import Scene, sign_in

pytestmark = pytest.mark.one_database


def test_a_policy_is_made_with_its_text_which_is_replaced(scene: Scene) -> None:
    settings = f"/{scene.organization.name}/settings"
    code = "package terraform\r\n\r\ndeny contains 1 if false\r\n"
    values = {"name": "small", "query": "data.terraform.deny", "enforcement_level": "advisory", "code": code}
    page = submit(scene.visit(f"{settings}/policies?new=1"), "Create", **values)
    assert "Created." in page.text
    policy = page.request.path.split("/")[-2]
    stored = scene.api.raw("GET", f"/policies/{policy}/download", scene.owner.token)
    assert stored.body.decode() == code.replace("\r\n", "\n")
    form = form_with(page, "Save")
    form["code"] = "package other\n"  # type: ignore[index]
    assert "package other" in form.submit().follow().text  # type: ignore[attr-defined]
    assert "advisory" in scene.visit(f"{settings}/policies").text


def test_a_text_that_is_too_long_is_shown_again_and_says_so(scene: Scene) -> None:
    page = scene.visit(f"/{scene.organization.name}/settings/policies/{scene.policy}/code")
    form = form_with(page, "Save")
    form["code"] = "# long\n" * 160_000  # type: ignore[index]
    refused = form.submit(expect_errors=True)  # type: ignore[attr-defined]
    assert refused.status_int == 413
    assert refused.text.count("# long") == 160_000


def test_what_is_in_a_set_is_linked_and_removed(scene: Scene) -> None:
    place = f"/{scene.organization.name}/settings/policy-sets/{scene.entries['policy-sets']}"
    chosen = {
        "policies": scene.policy,
        "projects": scene.project.id,
        "workspaces": scene.workspace.id,
        "project-exclusions": scene.project.id,
        "workspace-exclusions": scene.workspace.id,
    }
    for name, identifier in chosen.items():
        page = scene.visit(f"{place}/{name}")
        if "Remove" in page.text:
            assert "Removed." in submit(page, "Remove", "delete").text
        assert "There is nothing here" in scene.visit(f"{place}/{name}").text
        form = form_with(scene.visit(f"{place}/{name}?new=1"), "Add")
        field = next(each for each in form.fields if each and each.startswith("to-"))  # type: ignore[attr-defined]
        form[field] = [identifier]  # type: ignore[index]
        assert identifier in form.submit().follow().text  # type: ignore[attr-defined]


def test_a_set_is_made_with_what_is_in_it(scene: Scene) -> None:
    form = form_with(scene.visit(f"/{scene.organization.name}/settings/policy-sets?new=1"), "Create")
    form["name"], form["to-policies"], form["to-workspaces"] = "new", [scene.policy], [scene.workspace.id]  # type: ignore[index]
    row = form.submit().follow().html.find("a", string=re.compile("new")).find_parent("tr")  # type: ignore[attr-defined]
    assert [cell.text.strip() for cell in row.find_all("td")][:5] == ["new", "no", "1", "0", "1"]


def test_buttons_are_for_those_who_may(scene: Scene) -> None:
    member = scene.world.member(scene.organization)
    scene.world.project_member(scene.project, member, "viewer")
    browser = sign_in(scene.app, scene.world, member, ip="192.0.2.3")
    organization, project = f"/{scene.organization.name}", f"/{scene.organization.name}/projects/{scene.project.id}"
    workspace = f"/{scene.organization.name}/workspaces/{scene.name}"
    seen = 0
    for path in (
        *(f"{organization}/settings/{each}" for each in ("teams", "agent-pools", "policies", "policy-sets", "tags")),
        *(f"{organization}/settings/{each}" for each in ("variable-sets", "run-tasks", "members")),
        *(f"{project}/{each}" for each in ("environments", "links", "members")),
        *(f"{workspace}/{each}" for each in ("triggers", "consumers", "access")),
        f"{organization}/settings/policies/{scene.policy}/code",
        f"{organization}/settings/policy-sets/{scene.entries['policy-sets']}/policies",
        f"{organization}/settings/agent-pools/{scene.entries['agent-pools']}/settings",
    ):
        owners = scene.visit(path).text
        assert re.search(">(New|Add|Save)<", owners), path
        page = scene.visit(path, browser)
        if page.status_int == 200:
            seen += 1
            assert not re.search(">(New|Add|Save|Edit|Delete|Remove)<", page.text), path
    assert seen >= 8
