"""The requests that are sent: each workload is one kind of request to the seeded organization."""

import json
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode

from bench.seed import Seeded

MEDIA_TYPE = "application/vnd.api+json"

# The prefix of names that the load creates, by which they are cleaned up.
MADE = "made-under-load-"


@dataclass(frozen=True, slots=True)
class Workload:
    """One kind of request: its addresses are sent in turn; a ``{n}`` in the body becomes another number each time."""

    name: str
    title: str
    token: str
    paths: list[str]
    method: str = "GET"
    body: str = ""
    expected: int = 200

    def headers(self) -> dict[str, str]:
        """The headers of each request, beside those of the connection."""
        headers = {"Authorization": f"Bearer {self.token}", "Accept": MEDIA_TYPE}
        return headers | {"Content-Type": MEDIA_TYPE} if self.body else headers


@dataclass(slots=True)
class Numbers:
    """The results of one workload. Times are in milliseconds."""

    per_second: float
    median: float
    percentile_99: float
    failures: list[str] = field(default_factory=list)


def workloads(seeded: Seeded) -> list[Workload]:
    """All workloads, in the order in which they run."""
    projects = f"/api/v2/organizations/{seeded.organization}/projects"
    workspaces = f"/api/v2/organizations/{seeded.organization}/workspaces"
    owner, member = seeded.owner_token, seeded.member_token
    attributes = {"name": f"{MADE}{{n}}", "description": "Made by the load test"}
    new_project = json.dumps({"data": {"type": "projects", "attributes": attributes}})
    new_title = json.dumps({"data": {"type": "workspaces", "attributes": {"title": "Title {n}"}}})
    return [
        Workload("list", "list projects, page 1 of 500", owner, [projects + page(1, 20)]),
        Workload("deep", "list projects, page 400 of 500", owner, [projects + page(400, 20)]),
        Workload("search", "search projects by part of a name", owner, searches(projects, seeded)),
        Workload("show", "show a project", owner, [f"/api/v2/projects/{quote(each)}" for each in seeded.projects]),
        Workload("create", "create a project", owner, [projects], "POST", new_project, 201),
        Workload("workspaces", "list 100 of 50,000 workspaces", owner, [workspaces + page(1, 100)]),
        Workload("below", "list the workspaces of a project", owner, below(seeded)),
        Workload("all", "list 20 of all workspaces there are", owner, ["/api/v2/workspaces" + page(1, 20)]),
        Workload("put", "update a workspace by its full name", owner, named(workspaces), "PUT", new_title),
        Workload("member", "list projects as a member who sees 200", member, [projects + page(1, 20)]),
    ]


def page(number: int, size: int) -> str:
    """The query string of a page, by name."""
    return "?" + urlencode({"page[number]": number, "page[size]": size, "sort": "name"})


def below(seeded: Seeded) -> list[str]:
    """The address of the workspaces of each project."""
    return [f"/api/v2/projects/{quote(each)}/workspaces{page(1, 20)}" for each in seeded.projects]


def named(workspaces: str) -> list[str]:
    """Full names of a few workspaces, which the first requests create while warming up."""
    return [f"{workspaces}/{MADE}{number}" for number in range(4)]


def searches(projects: str, seeded: Seeded) -> list[str]:
    """An address for each term."""
    return [f"{projects}{page(1, 20)}&q={quote(term)}" for term in seeded.terms]
