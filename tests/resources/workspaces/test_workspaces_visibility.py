"""Who sees a workspace and what each kind of caller may do with it, over HTTP."""

from typing import Any

import pytest

from app.models import Organization, Project, Workspace
from tests.support.api import Api, document
from tests.support.personas import PERSONAS, table
from tests.support.world import World

MISSING = "ws-1111111111111111"

# ``move`` goes to another project on which the caller has the same; ``default`` creates in the default project, which
# the document does not name. 422 says that the project can't be found or used: the address itself is right.
STATUSES = table("""
                         | show update move safe force create default
site administrator       |  200    200  200  204   204    201     201
owner                    |  200    200  200  204   204    201     201
organization token       |  200    200  200  204   403    201     201
manage-projects          |  200    200  200  204   403    201     201
read-projects            |  200    404  422  404   403    422     404
manage-workspaces        |  200    200  422  204   403    422     201
read-workspaces          |  200    404  422  404   403    422     404
project admin            |  200    200  200  204   403    201     404
project maintain         |  200    200  422  204   403    201     404
project write            |  200    404  422  404   403    422     404
project read             |  200    404  422  404   403    422     404
custom least             |  200    404  422  404   403    422     404
custom settings update   |  200    404  422  404   403    422     404
custom settings delete   |  200    404  422  404   403    422     404
custom create            |  200    404  422  404   403    201     404
custom move              |  200    404  200  404   403    422     404
custom delete            |  200    404  422  204   403    422     404
member                   |  404    404  404  404   404    422     404
outsider                 |  404    404  404  404   404    404     404
other owner              |  404    404  404  404   404    404     404
other organization token |  404    404  404  404   404    404     404
""")


@pytest.fixture
def projects(world: World, acme: Organization) -> tuple[Project, Project]:
    """Two projects on which the persona is granted the same."""
    return world.project(acme), world.project(acme)


def request_for(action: str, workspace: Workspace, projects: tuple[Project, Project]) -> tuple[str, str, Any]:
    one, two = projects
    path = f"/workspaces/{workspace.id}"
    created = document("workspaces", {"name": "created"})
    return {
        "show": ("GET", path, None),
        "update": ("PATCH", path, document("workspaces", {"auto-apply": True})),
        "move": ("PATCH", path, document("workspaces", project=("projects", two.id))),
        "safe": ("POST", f"{path}/actions/safe-delete", None),
        "force": ("DELETE", path, None),
        "create": (
            "POST",
            "/organizations/acme/workspaces",
            document("workspaces", {"name": "created"}, project=("projects", one.id)),
        ),
        "default": ("POST", "/organizations/acme/workspaces", created),
    }[action]


@pytest.mark.one_database
@pytest.mark.parametrize(("who", "action", "status"), STATUSES, ids=[f"{who}: {action}" for who, action, _ in STATUSES])
def test_each_kind_of_caller_is_answered_as_the_table_says(
    api: Api,
    world: World,
    acme: Organization,
    projects: tuple[Project, Project],
    *,
    who: str,
    action: str,
    status: str,
) -> None:
    token = PERSONAS[who](world, acme, projects)
    workspace = world.workspace(projects[0], "network")
    before = snapshot(world)
    method, path, sent = request_for(action, workspace, projects)
    api.send(method, path, token, sent, expect=int(status))
    assert (snapshot(world) != before) == (int(status) < 300 and action != "show"), "what is refused changes nothing"


def snapshot(world: World) -> set[tuple[str, str, bool]]:
    return {(each.name, each.project_id, each.auto_apply) for each in world.all(Workspace)}


ROUTES: list[tuple[str, str, Any]] = [
    ("GET", "", None),
    ("GET", "?include=project", None),
    ("PATCH", "", document("workspaces", {"name": "renamed"})),
    ("DELETE", "", None),
    ("POST", "/actions/safe-delete", None),
]


@pytest.mark.one_database
@pytest.mark.parametrize("who", ["outsider", "member", "other owner", "other organization token"])
@pytest.mark.parametrize("address", ["id", "name"])
def test_a_hidden_workspace_answers_like_a_missing_one(
    api: Api,
    world: World,
    acme: Organization,
    projects: tuple[Project, Project],
    *,
    who: str,
    address: str,
    subtests: pytest.Subtests,
) -> None:
    token = PERSONAS[who](world, acme, ())
    workspace = world.workspace(projects[0], "network")
    paths = (
        (f"/workspaces/{workspace.id}", f"/workspaces/{MISSING}")
        if address == "id"
        else ("/organizations/acme/workspaces/network", "/organizations/acme/workspaces/missing")
    )
    for method, below, sent in ROUTES:
        with subtests.test(f"{method} {below}"):
            hidden, missing = (
                api.raw(method, f"{path}{below}", token, sent, headers={"X-Request-Id": "same"}) for path in paths
            )
            assert hidden.status_int == missing.status_int == 404
            assert hidden.body == missing.body
            assert dict(hidden.headers) == dict(missing.headers)


@pytest.mark.one_database
@pytest.mark.parametrize("token", [None, "nonsense"])
@pytest.mark.parametrize(("method", "below", "sent"), ROUTES, ids=[f"{method} {below}" for method, below, _ in ROUTES])
def test_without_a_token_there_is_no_answer(
    api: Api,
    world: World,
    projects: tuple[Project, Project],
    *,
    token: str | None,
    method: str,
    below: str,
    sent: Any,
) -> None:
    workspace = world.workspace(projects[0], "network")
    for path in (f"/workspaces/{workspace.id}", f"/workspaces/{MISSING}", "/organizations/acme/workspaces/network"):
        answer = api.send(method, f"{path}{below}", token, sent, expect=401)
        assert answer == {"errors": [{"status": "401", "title": "unauthorized", "code": "unauthorized"}]}
