"""The repositories that projects are linked to."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from app.models import Organization, Project, RepositoryLink
from tests.support.activity import left_by_requests
from tests.support.api import Api, document, faults
from tests.support.statement_costs import Statements, cost
from tests.support.world import Person, World

URL = "https://github.com/acme/infrastructure"


@pytest.fixture
def project(world: World, acme: Organization) -> Project:
    return world.project(acme, "shop")


def sent(url: Any = URL, **attributes: Any) -> dict[str, Any]:
    dashed = {name.replace("_", "-"): value for name, value in attributes.items()}
    return document("repository-links", {"url": url, **dashed})


def path_of(project: Project) -> str:
    return f"/projects/{project.id}/repository-links"


def linked(world: World, project: Project, url: str = URL) -> RepositoryLink:
    place = {"organization_id": project.organization_id, "project_id": project.id}
    return world.add(RepositoryLink(**place, url=url, provider="github"))


def test_a_link_is_made_shown_listed_and_taken_away(api: Api, world: World, owner: Person, project: Project) -> None:
    path = path_of(project)
    made = api.post(path, owner.token, sent(default_branch="main", directory="live/eu"))["data"]
    assert made["type"] == "repository-links"
    attributes = dict(made["attributes"])
    assert attributes.pop("created-at").endswith("Z")
    assert attributes == {"url": URL, "provider": "github", "default-branch": "main", "directory": "live/eu"}
    assert made["relationships"]["project"]["data"] == {"id": project.id, "type": "projects"}
    assert made["links"] == {"self": f"/api/v2/repository-links/{made['id']}"}
    assert api.get(f"/repository-links/{made['id']}", owner.token)["data"] == made
    plain = api.post(path, owner.token, sent("git@git.example.test:acme/web.git"))["data"]["attributes"]
    assert (plain["provider"], plain["default-branch"], plain["directory"]) == ("other", None, None)
    listed = api.get(f"{path}?page[size]=1", owner.token)
    assert listed["data"] == [made]
    assert listed["meta"]["pagination"]["total-count"] == 2
    api.delete(f"/repository-links/{made['id']}", owner.token)
    api.get(f"/repository-links/{made['id']}", owner.token, expect=404)
    first, _, last = left_by_requests(world)
    assert (first.action, first.project_id, first.subject_id) == ("repository-links.create", project.id, made["id"])
    assert first.changes["url"] == [None, URL]
    assert (last.action, last.changes) == ("repository-links.delete", {"url": [URL, None]})


PROVIDERS = {
    URL: "github",
    "https://GitHub.com/acme/a": "github",
    "https://gitlab.com/acme/group/a.git": "gitlab",
    "https://gitlab.example.test:8443/a": "gitlab",
    "ssh://git@bitbucket.org/acme/a.git": "bitbucket",
    "ssh://git@git.example.test:2222/~ada/a.git": "other",
    "git://git.example.test/a.git": "other",
    "git@github.com:acme/a.git": "github",
    "git@ssh.dev.azure.com:v3/acme/shop/a": "azure-devops",
    "https://dev.azure.com/acme/shop%20one/_git/a": "azure-devops",
    "https://acme.visualstudio.com/shop/_git/a": "azure-devops",
    # Only the host tells, and of one's own host its first label.
    "https://notgithub.com/a": "other",
    "https://github.com.example.test/a": "github",
    "https://git.example.test/github.com": "other",
}


@pytest.mark.one_database
@pytest.mark.parametrize("url", PROVIDERS)
def test_the_host_tells_the_provider(api: Api, owner: Person, project: Project, url: str) -> None:
    made = api.post(path_of(project), owner.token, sent(url))["data"]["attributes"]
    assert (made["url"], made["provider"]) == (url, PROVIDERS[url])


def test_the_provider_may_be_given_and_null_is_none_given(api: Api, owner: Person, project: Project) -> None:
    for number, (given, expected) in enumerate([("gitlab", "gitlab"), ("other", "other"), (None, "github")]):
        body = sent(f"{URL}-{number}", provider=given)
        assert api.post(path_of(project), owner.token, body)["data"]["attributes"]["provider"] == expected


CREDENTIALS = "must not contain credentials"
NO_ADDRESS = "must be an https, ssh or git address of a repository"
AT = "/data/attributes/"
BAD_URLS = {
    "https://ada:secret@github.com/a": CREDENTIALS,
    "https://ghp_secret@github.com/a": CREDENTIALS,
    "https://:secret@github.com/a": CREDENTIALS,
    "ssh://git:secret@github.com/a": CREDENTIALS,
    "git://secret@github.com/a": CREDENTIALS,
    "http://ada:secret@github.com/a": CREDENTIALS,
    "ada:secret@github.com:a": CREDENTIALS,
    "https://github.com/a?private_token=secret": NO_ADDRESS,
    "https://github.com/a#secret": NO_ADDRESS,
    "http://github.com/a": NO_ADDRESS,
    "file:///etc/passwd": NO_ADDRESS,
    "javascript:alert(1)": NO_ADDRESS,
    "https://github.com": NO_ADDRESS,
    "https:///a": NO_ADDRESS,
    "https://git hub.com/a": NO_ADDRESS,
    "https://github.com/a\n": NO_ADDRESS,
    "/srv/git/a": NO_ADDRESS,
    "--upload-pack=touch@host:a": NO_ADDRESS,
    "-oProxyCommand@host:a": NO_ADDRESS,
    "ssh://-oProxyCommand@host/a": NO_ADDRESS,
    "ssh://-host/a": NO_ADDRESS,
}
FAULTS: Mapping[str, tuple[Any, str, str]] = {
    **{url: (sent(url), f"Url {text}", f"{AT}url") for url, text in BAD_URLS.items()},
    "no url": (document("repository-links"), "Url can't be blank", f"{AT}url"),
    "url of null": (sent(None), "Url can't be blank", f"{AT}url"),
    "blank url": (sent(" "), "Url can't be blank", f"{AT}url"),
    "url that is no text": (sent(1), "Url must be a string", f"{AT}url"),
    "long url": (
        sent("https://a.test/".ljust(1_025, "a")),
        "Url is too long (maximum is 1024 characters)",
        f"{AT}url",
    ),
    "unknown provider": (sent(provider="svn"), "Provider is not included in the list", f"{AT}provider"),
    "blank branch": (sent(default_branch=""), "Default branch can't be blank", f"{AT}default-branch"),
    "branch": (sent(default_branch="a b"), "Default branch is not the name of a branch", f"{AT}default-branch"),
    "branch that is an option": (
        sent(default_branch="-f"),
        "Default branch is not the name of a branch",
        f"{AT}default-branch",
    ),
    "long branch": (
        sent(default_branch="b" * 256),
        "Default branch is too long (maximum is 255 characters)",
        f"{AT}default-branch",
    ),
    **{
        f"directory {directory!r}": (
            sent(directory=directory),
            "Directory must be a path within the repository",
            f"{AT}directory",
        )
        for directory in ("/etc", "..", "a/../../b", "a\nb")
    },
    "long directory": (
        sent(directory="d" * 1_025),
        "Directory is too long (maximum is 1024 characters)",
        f"{AT}directory",
    ),
    "directory that is no text": (sent(directory=[]), "Directory must be a string", f"{AT}directory"),
}


@pytest.mark.one_database
@pytest.mark.parametrize("fault", FAULTS)
def test_faults_name_the_member(api: Api, world: World, owner: Person, project: Project, fault: str) -> None:
    body, text, pointer = FAULTS[fault]
    answer = api.raw("POST", path_of(project), owner.token, body)
    assert answer.status_int == 422
    assert faults(answer.json) == [(text, pointer)]
    assert "secret" not in answer.text
    assert world.all(RepositoryLink) == []


def test_what_is_just_within_the_bounds_is_taken(api: Api, owner: Person, project: Project) -> None:
    body = sent("https://a.test/".ljust(1_024, "a"), default_branch="b" * 255, directory="d" * 1_024)
    api.post(path_of(project), owner.token, body)
    api.post(path_of(project), owner.token, sent(directory=""))


def test_a_project_has_a_url_once(api: Api, world: World, acme: Organization, owner: Person, project: Project) -> None:
    api.post(path_of(project), owner.token, sent())
    answer = api.post(path_of(project), owner.token, sent(URL.upper().replace("HTTPS", "https")), expect=422)
    assert faults(answer) == [("Url has already been taken", "/data/attributes/url")]
    api.post(path_of(world.project(acme)), owner.token, sent())


# What each may do: list, show, make, take away.
MANAGES, READS, NOTHING = (200, 200, 201, 204), (200, 200, 404, 404), (404, 404, 404, 404)
WHO: Mapping[str, tuple[int, ...]] = {
    "super user": MANAGES,
    "site administrator": MANAGES,
    "owner": MANAGES,
    "organization token": MANAGES,
    "team admin": MANAGES,
    "team maintain": READS,
    "team read": READS,
    "project owner": MANAGES,
    "project admin": MANAGES,
    "project member": READS,
    "project viewer": READS,
    "admin of an environment": READS,
    "admin of a cell": READS,
    "owner of a workspace": READS,
    "token of an admin": MANAGES,
    "token of a member": READS,
    "token of another project": NOTHING,
    "member": NOTHING,
    "outsider": NOTHING,
    "nobody": (401,) * 4,
}


def with_role(world: World, project: Project, role: str, **scope: Any) -> str:
    person = world.person()
    world.project_member(project, person, role, **scope)
    return person.token


def caller_of(world: World, acme: Organization, project: Project, who: str) -> str | None:
    kind, _, level = who.partition(" ")
    if kind == "team":
        team = world.team(acme)
        world.access(team, project, level)
        return world.member(acme, team).token
    if kind == "project":
        return with_role(world, project, level)
    if who == "owner of a workspace":
        person = world.person()
        world.acl_entry(world.workspace(project), person, "owner")
        return person.token
    made: dict[str, Callable[[], str | None]] = {
        "super user": lambda: world.person(site_role="super_user").token,
        "site administrator": lambda: world.person(site_role="admin").token,
        "owner": lambda: world.owner(acme).token,
        "organization token": lambda: world.token(acme),
        "admin of an environment": lambda: with_role(
            world, project, "admin", environment=world.default_environment(project)
        ),
        "admin of a cell": lambda: with_role(world, project, "admin", cells=["eu"]),
        "token of an admin": lambda: world.project_token(project, "admin"),
        "token of a member": lambda: world.project_token(project, "member"),
        "token of another project": lambda: world.project_token(world.project(acme), "owner"),
        "member": lambda: world.member(acme).token,
        "outsider": lambda: world.owner(world.organization()).token,
        "nobody": lambda: None,
    }
    return made[who]()


@pytest.mark.one_database
@pytest.mark.parametrize("who", WHO)
def test_who_may_do_what(api: Api, world: World, acme: Organization, project: Project, who: str) -> None:
    link, caller = linked(world, project), caller_of(world, acme, project, who)
    requests = [
        ("GET", path_of(project), None),
        ("GET", f"/repository-links/{link.id}", None),
        ("POST", path_of(project), sent("git@github.com:acme/new.git")),
        ("DELETE", f"/repository-links/{link.id}", None),
    ]
    answers = [api.raw(*request[:2], caller, request[2]) for request in requests]
    assert tuple(answer.status_int for answer in answers) == WHO[who]
    for answer, (method, address, body) in zip(answers, requests, strict=True):
        if answer.status_int == 404:
            missing = address.replace(project.id, "prj-1111111111111111").replace(link.id, "rl-1111111111111111")
            assert api.raw(method, missing, caller, body).body == answer.body


def test_statements_do_not_depend_on_sizes(
    api: Api, world: World, owner: Person, project: Project, statements: Statements
) -> None:
    api.get(path_of(project), owner.token)
    for number in range(3):
        link = linked(world, project, f"{URL}-{number}")
        assert cost(statements, api, owner.token, ("GET", path_of(project), None)) == 3
        assert cost(statements, api, owner.token, ("GET", f"/repository-links/{link.id}", None)) == 2
        # The caller, the project, insert, event, show.
        assert cost(statements, api, owner.token, ("POST", path_of(project), sent(f"{URL}/{number}"))) == 5
        assert cost(statements, api, owner.token, ("DELETE", f"/repository-links/{link.id}", None)) == 4


def test_a_project_takes_its_links_along(api: Api, world: World, owner: Person, project: Project) -> None:
    linked(world, project)
    api.delete(f"/projects/{project.id}", owner.token)
    assert world.all(RepositoryLink) == []


# --- changing ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "after"),
    [
        ({"default-branch": "main"}, {"default-branch": "main"}),
        ({"directory": "live"}, {"directory": "live"}),
        ({"url": "https://gitlab.com/a/b"}, {"url": "https://gitlab.com/a/b", "provider": "gitlab"}),
        (
            {"url": "https://gitlab.com/a/b", "provider": "other"},
            {"url": "https://gitlab.com/a/b", "provider": "other"},
        ),
        ({"provider": "bitbucket"}, {"provider": "bitbucket"}),
        ({"provider": None}, {}),
        ({"url": URL.upper().replace("HTTPS", "https")}, {"url": URL.upper().replace("HTTPS", "https")}),
        ({}, {}),
    ],
)
def test_a_link_is_changed(
    api: Api, world: World, owner: Person, project: Project, changed: dict[str, Any], after: dict[str, Any]
) -> None:
    link = linked(world, project)
    path = f"/repository-links/{link.id}"
    before = api.get(path, owner.token)["data"]
    shown = api.patch(path, owner.token, document("repository-links", changed))["data"]
    assert shown == {**before, "attributes": {**before["attributes"], **after}}
    assert api.get(path, owner.token)["data"] == shown
    events = [event.changes for event in left_by_requests(world) if event.action == "repository-links.update"]
    assert events == [{name: [before["attributes"][name], value] for name, value in after.items()}] * bool(after)


def test_what_is_wrong_with_a_change(api: Api, world: World, owner: Person, project: Project) -> None:
    link = linked(world, project)
    linked(world, project, "https://github.com/acme/other")
    path = f"/repository-links/{link.id}"
    for attributes, pointer in (
        ({"url": "https://GITHUB.com/acme/other"}, "url"),
        ({"url": "https://me:secret@github.com/a"}, "url"),
        ({"url": None}, "url"),
        ({"provider": "svn"}, "provider"),
        ({"urls": "x"}, "urls"),
    ):
        answer = api.patch(path, owner.token, document("repository-links", attributes), expect=422)
        assert [where for _, where in faults(answer)] == [f"/data/attributes/{pointer}"]
    reader = world.person()
    world.project_member(project, reader, "member")
    for token in (reader.token, world.person().token):
        api.patch(path, token, document("repository-links", {"directory": "x"}), expect=404)
    assert left_by_requests(world) == []
