"""The icon of a project: uploaded, shown, removed."""

from io import BytesIO

import pytest
from PIL import Image
from webtest import Upload

from tests.support.browser import Browser
from tests.support.console import Scene, sign_in

pytestmark = pytest.mark.one_database


def picture() -> bytes:
    kept = BytesIO()
    Image.new("RGB", (8, 8), "red").save(kept, "PNG")
    return kept.getvalue()


def test_an_icon_is_uploaded_shown_and_removed(scene: Scene) -> None:
    place = f"/{scene.organization.name}/projects/{scene.project.id}"
    assert not scene.visit(place).html.select("img.project-icon")
    page = scene.visit(f"{place}/settings")
    form = next(form for form in page.forms.values() if form.action.endswith("/icon"))
    form["icon"] = Upload("x.png", picture(), "image/png")
    saved = form.submit("do", value="upload").follow()
    assert "Saved." in saved.text
    # The address is another one, so that no browser shows what was there before.
    assert saved.html.select_one("img.large")["src"].partition("?v=")[2]
    for shown in (place, f"/{scene.organization.name}"):
        (image,) = scene.visit(shown).html.select("img.project-icon")
        assert image["src"] == f"/app{place}/icon"
    answer = scene.visit(f"{place}/icon")
    assert (answer.content_type, answer.body[:4]) == ("image/png", b"\x89PNG")
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert scene.visit(f"{place}/icon", **{"If-None-Match": answer.headers["ETag"]}).status_int == 304
    form = next(form for form in saved.forms.values() if form.action.endswith("/icon"))
    assert "Deleted." in form.submit("do", value="delete").follow().text
    assert scene.visit(f"{place}/icon").status_int == 404


def test_what_is_no_picture_is_refused_where_it_was_sent(scene: Scene) -> None:
    page = scene.visit(f"/{scene.organization.name}/projects/{scene.project.id}/settings")
    form = next(form for form in page.forms.values() if form.action.endswith("/icon"))
    form["icon"] = Upload("x.png", b"<svg onload=alert(1)>", "image/png")
    refused = form.submit("do", value="upload", expect_errors=True)
    assert (refused.status_int, "must be a PNG" in refused.text) == (422, True)
    form["icon"] = Upload("x.png", b"x" * (7 * 2**20), "image/png")
    assert form.submit("do", value="upload", expect_errors=True).status_int == 413
    form["form_token"] = "forged"
    form["icon"] = Upload("x.png", picture(), "image/png")
    assert form.submit("do", value="upload", expect_errors=True).status_int == 403


def test_who_may_only_look_sees_it_and_no_form(scene: Scene) -> None:
    viewer = scene.world.member(scene.organization)
    scene.world.project_member(scene.project, viewer, "viewer")
    browser: Browser = sign_in(scene.app, scene.world, viewer, ip="192.0.2.3")
    page = scene.visit(f"/{scene.organization.name}/projects/{scene.project.id}/settings", browser)
    assert "Upload" not in page.text
