"""Conditional requests: what is known already is not sent again, and nobody overwrites what they don't know."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask

from app.openapi.headers import is_conditional, is_tagged
from app.openapi.routes import Route, routes_of
from tests.contract.targets import Targets
from tests.contract.test_examples import prepare
from tests.support.api import MEDIA_TYPE, Api, document
from tests.support.statement_costs import Statements
from tests.support.world import World
from tests.web.test_idempotency import sample

UNKNOWN = '"0123456789abcdef"'
# So many of the routes can be used here: others are an administrator's, or need more than what is there.
LEAST_READ, LEAST_CHANGED = 125, 55
EDITORS = 64


def address(targets: Targets, api: Api, route: Route) -> str:
    """The address of something real that the route is about."""
    others = prepare(api, targets, route.name)
    given = targets.parameters(dict.fromkeys(route.parameters), route.name, route.method)
    return route.path.format(**{**given, **others}).removeprefix("/api/v2")


@pytest.mark.one_database
def test_what_was_read_is_not_sent_again(app: Flask, api: Api, world: World, statements: Statements) -> None:
    targets = Targets(world, api)
    read = 0
    for route in filter(is_tagged, routes_of(app)):
        path = address(targets, api, route)
        api.raw("GET", path, targets.owner.token)
        with statements() as sent:
            first = api.raw("GET", path, targets.owner.token)
        if first.status_int != 200 or first.content_type != MEDIA_TYPE:
            continue
        headers = {"If-None-Match": first.headers["ETag"]}
        with statements() as sent_again:
            again = api.raw("GET", path, targets.owner.token, headers=headers)
        assert (again.status_int, again.body, again.headers["ETag"]) == (304, b"", first.headers["ETag"]), route.name
        assert len(sent_again) == len(sent), route.name
        assert "Content-Type" not in again.headers
        read += 1
    assert read >= LEAST_READ


@pytest.mark.one_database
def test_nobody_overwrites_what_they_have_not_seen(app: Flask, api: Api, world: World) -> None:
    targets = Targets(world, api)
    changed = 0
    for route in filter(is_conditional, routes_of(app)):
        targets.renew()
        path, sent, token = address(targets, api, route), targets.aimed(sample(route)), targets.owner.token
        method = route.method.upper()
        before = api.raw("GET", path, token)
        refused = api.raw(method, path, token, sent, headers={"If-Match": UNKNOWN})
        if before.status_int != 200 or refused.status_int != 412:
            # What is not found or not well-formed is refused before anything is compared.
            assert refused.status_int in {400, 404, 412, 422}, (route.name, refused.text)
            assert "bad-header" not in refused.text, (route.name, refused.text)
            continue
        assert refused.json["errors"][0]["source"] == {"header": "If-Match"}
        assert api.raw("GET", path, token).body == before.body, route.name
        done = api.raw(method, path, token, sent, headers={"If-Match": before.headers["ETag"]})
        assert done.status_int != 412, route.name
        changed += done.status_int < 400
    assert changed >= LEAST_CHANGED


@pytest.mark.parametrize("type_", ["projects", "vars"])
def test_of_many_editors_one_wins(app: Flask, api: Api, world: World, type_: str) -> None:
    owner = world.person()
    project = world.project(world.organization(owner=owner))
    path = f"/projects/{project.id}"
    if type_ == "vars":
        # It is locked behind a shared lock of its workspace.
        path = f"/workspaces/{world.workspace(project).id}/vars"
        made = api.post(path, owner.token, document("vars", {"key": "region", "category": "env"}))
        path = f"{path}/{made['data']['id']}"
    for number in range(2):
        seen = api.raw("GET", path, owner.token).headers["ETag"]

        def edit(editor: int, number: int = number, seen: str = seen) -> int:
            sent = document(type_, {"description": f"round {number}, editor {editor}"})
            answer = Api(app).raw("PATCH", path, owner.token, sent, headers={"If-Match": seen})
            return int(answer.status_int)

        with ThreadPoolExecutor(EDITORS) as pool:
            statuses = sorted(pool.map(edit, range(EDITORS)))
        assert statuses == [200] + [412] * (EDITORS - 1)


@pytest.mark.one_database
def test_any_version_will_do(api: Api, world: World) -> None:
    owner = world.person()
    organization = world.organization(owner=owner)
    path = f"/projects/{world.project(organization).id}"
    sent = document("projects", {"description": "anything"})
    both = f"{UNKNOWN}, {api.raw('GET', path, owner.token).headers['ETag']}"
    assert api.raw("PATCH", path, owner.token, sent, headers={"If-Match": "*"}).status_int == 200
    assert api.raw("GET", path, owner.token, headers={"If-None-Match": "*"}).status_int == 304
    assert api.raw("PATCH", path, owner.token, sent, headers={"If-Match": both}).status_int == 412


@pytest.mark.one_database
def test_the_tag_is_the_same_for_all_who_are_shown_the_same(api: Api, world: World) -> None:
    first = world.person()
    organization = world.organization(owner=first)
    path = f"/projects/{world.project(organization).id}"
    second = world.owner(organization)
    tags = {api.raw("GET", path, each.token).headers["ETag"] for each in (first, second)}
    assert len(tags) == 1


@pytest.mark.one_database
def test_where_nothing_is_read_nothing_is_compared(api: Api, world: World) -> None:
    owner = world.person()
    workspace = world.workspace(world.project(world.organization(owner=owner)))
    path = f"/workspaces/{workspace.id}/actions/lock"
    answer = api.raw("POST", path, owner.token, {}, headers={"If-Match": UNKNOWN})
    assert answer.status_int == 400
    assert answer.json["errors"][0]["source"] == {"header": "If-Match"}
    assert not api.get(f"/workspaces/{workspace.id}", owner.token)["data"]["attributes"]["locked"]
