"""The page of what was deleted."""

import pytest
from flask import Flask

from tests.console.test_story import submit
from tests.support.console import HOSTILE, Scene
from tests.support.recoverable import keep_deleted

pytestmark = pytest.mark.one_database


@pytest.fixture(autouse=True)
def _recoverable(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    keep_deleted(app, monkeypatch)


def test_what_was_deleted_is_recovered_or_deleted_for_good(scene: Scene) -> None:
    place = f"/{scene.organization.name}/settings/deleted"
    assert "Nothing that you may recover" in scene.visit(place).text
    other = scene.world.workspace(scene.project, "other", resource_count=3)
    for workspace in (scene.workspace, other):
        scene.api.delete(f"/workspaces/{workspace.id}", scene.owner.token)
    page = scene.visit(place)
    assert scene.owner.username in page.text
    assert HOSTILE not in page.text
    answer = submit(page, f'Recover<span class="visually-hidden"> {scene.workspace.name}', "recover")
    assert "Recovered." in answer.text
    scene.api.get(f"/workspaces/{scene.workspace.id}", scene.owner.token)
    answer = submit(answer, "Delete for good", "permanently-delete")
    assert "Deleted." in answer.text
    assert "Nothing that you may recover" in answer.text


def test_why_something_can_t_be_recovered_is_told(scene: Scene) -> None:
    place = f"/{scene.organization.name}/settings/deleted"
    scene.api.delete(f"/workspaces/{scene.workspace.id}", scene.owner.token)
    scene.world.workspace(scene.project, scene.workspace.name)
    form = next(each for each in scene.visit(place).forms.values() if "Recover" in each.text)
    refused = form.submit("do", value="recover", expect_errors=True)
    assert refused.status_int == 422
    assert "Rename that one" in refused.text
