"""Requests that no page makes: ids that are paths, addresses that are no names, parameters that are no numbers."""

import re

import pytest

from app.console.log_text import LOG_BYTES, log_html
from tests.support.console import Scene

pytestmark = pytest.mark.one_database


@pytest.mark.parametrize(
    "name", ["%E7%B5%84%E7%B9%94", "%C3%A9", "..", "%2e%2e", "a%2Fb", "a%3Fb%23c", "%0d%0aX: y", "'\";<b>"]
)
def test_odd_names_are_not_found(scene: Scene, name: str) -> None:
    for path in (f"/{name}", f"/{name}/workspaces/x", f"/{scene.organization.name}/workspaces/{name}"):
        answer = scene.visit(path)
        assert answer.status_int in {404, 303}, path
        assert "<b>" not in answer.text


def test_an_id_in_a_parameter_is_no_path(scene: Scene) -> None:
    place = f"/{scene.organization.name}/workspaces/{scene.name}/states/{scene.states[1]['data']['id']}/changes"
    old = scene.states[0]["data"]["id"]
    assert scene.visit(f"{place}?from={old}").status_int == 200
    for odd in (f"{old}/download", f"../state-versions/{old}", f"{old}%3Finclude=x", "..", f"x/../{old}"):
        assert scene.visit(f"{place}?from={odd}").status_int == 404, odd


def test_an_id_in_a_form_is_no_path(scene: Scene) -> None:
    place = f"/app/{scene.organization.name}"
    team = scene.entries["teams"]
    token = scene.visit("").forms[0]["form_token"].value
    for identifier in (f"x/../{team}", f"../teams/{team}", f"{team}/authentication-tokens", "..", ".", ""):
        for section in ("teams", "agent-pools"):
            sent = {"form_token": token, "do": "delete", "id": identifier}
            answer = scene.browser.app.post(f"{place}/settings/{section}", sent, expect_errors=True)
            assert answer.status_int == 404, identifier
    sent = {"form_token": token, "do": "move", "project": f"x/../{scene.project.id}"}
    moved = scene.browser.app.post(f"{place}/workspaces/{scene.name}/delete", sent, expect_errors=True)
    assert moved.status_int == 404
    assert scene.visit(f"/{scene.organization.name}/settings/teams/{team}/members").status_int == 200


def test_the_name_of_a_download_is_the_services_own(scene: Scene) -> None:
    place = f"/{scene.organization.name}/workspaces/{scene.name}/runs/{scene.waiting}/logs"
    named = scene.visit(f"{place}/plan/download").headers["Content-Disposition"]
    assert named == f'attachment; filename="{scene.waiting}-plan.log"'
    for phase in ('x";%20filename="evil.bat', "x%0d%0aSet-Cookie:%20a=b", "plan%22"):
        assert scene.visit(f"{place}/{phase}/download").status_int == 404, phase
        assert scene.visit(f"{place}/{phase}").status_int == 404, phase


def test_an_offset_is_a_number(scene: Scene) -> None:
    for run in (scene.waiting, scene.new(message="not begun")):
        place = f"/{scene.organization.name}/workspaces/{scene.name}/runs/{run}/logs"
        for phase in ("plan", "apply"):
            for offset in ("x", "-1", "1e9", "%D9%A3", "", "9" * 40):
                answer = scene.visit(f"{place}/{phase}?offset={offset}")
                assert answer.status_int in {400, 422}, (phase, offset)


def test_links_of_a_log_lead_nowhere() -> None:
    for end in ("\x07", "\x1b\\"):
        html, _, _ = log_html(f"a \x1b]8;;https://evil.test{end}click\x1b]8;;{end} b\n".encode())
        assert html == "a click b\n"
    assert "<a" not in log_html(b"https://example.test/ \x1b]8;;x\n")[0]


def test_a_line_longer_than_one_step_does_not_stop_the_log() -> None:
    raw = b"x" * LOG_BYTES
    assert log_html(raw) == ("x" * LOG_BYTES, LOG_BYTES, False)
    # A letter is not cut in two.
    cut = "é".encode() * LOG_BYTES
    html, length, _ = log_html(cut[: LOG_BYTES - 1])
    assert (length, html) == (0, "")
    html, length, _ = log_html(b"x" + cut[: LOG_BYTES - 1])
    assert (length, html.count("é"), "\ufffd" in html) == (LOG_BYTES - 1, LOG_BYTES // 2 - 1, False)


def test_parts_ask_nobody_to_sign_in(scene: Scene) -> None:
    page = scene.visit("")
    place = f"/{scene.organization.name}/workspaces/{scene.name}/runs/{scene.waiting}"
    assert scene.visit(place, None, **{"X-Part": "live"}).status_int == 200
    next(form for form in page.forms.values() if "Sign out" in form.text).submit()
    part = scene.visit(place, None, **{"X-Part": "live"})
    assert part.status_int == 401
    assert "password" not in part.text
    assert scene.visit(place).status_int == 303


def test_pages_are_kept_nowhere(scene: Scene) -> None:
    for path in ("", f"/{scene.organization.name}", "/nowhere", f"/{scene.organization.name}/settings/activity.csv"):
        assert scene.visit(path).headers["Cache-Control"] == "no-store", path


def test_commands_are_safe_to_paste(scene: Scene) -> None:
    page = scene.visit(f"/{scene.organization.name}/workspaces?q=$(touch x)`y`'z\"")
    (command, *_) = [pre.text for pre in page.html.select("pre.curl") if "search" in pre.text]
    assert re.fullmatch(r"""curl -H "Authorization: Bearer \$TOKEN" '[!-&(-~]+'""", command), command
