"""An agent for the tests: it speaks the protocol over WSGI, and says what terraform would have done."""

from dataclasses import dataclass
from typing import Any

import orjson
from flask import Flask
from webtest import TestApp

from app.models.configuration_versions import UPLOADED, ConfigurationVersion
from app.models.workspaces import Workspace
from app.services import services
from app.storage.ledger import register
from tests.support.api import Api, document
from tests.support.states import state
from tests.support.world import Person, World

PROTOCOL = "/api/agent/v1"
ARCHIVE = b"an archive of terraform files"


def uploaded_configuration(app: Flask, world: World, workspace: Workspace, **members: Any) -> ConfigurationVersion:
    """A configuration version whose archive has arrived."""
    with app.app_context():
        name = f"configurations/{workspace.id}/{len(world.all(ConfigurationVersion))}"
        register(services().engines.writing, name)
        key = services().vault.put(name, [ARCHIVE])
    place = {"organization_id": workspace.organization_id, "workspace_id": workspace.id}
    stored = {"status": UPLOADED, "archive_object": name, "archive_key": key, "size": len(ARCHIVE)}
    return world.add(ConfigurationVersion(**place, **stored, **members))


class FakeAgent:
    """An agent of a pool. ``expect`` is the status that the test expects; another one fails it."""

    def __init__(self, app: Flask, token: str, agent_id: str) -> None:
        self._app = TestApp(app, lint=True)
        self.token = token
        self.id = agent_id

    def send(self, method: str, path: str, body: Any = None, *, expect: int = 200) -> Any:
        """The JSON of the answer, its bytes, or None."""
        content = body if isinstance(body, bytes) else orjson.dumps({} if body is None else body)
        response = self._app.request(
            f"{PROTOCOL}{path}",
            method=method,
            headers={"Authorization": f"Bearer {self.token}", "Content-Type": "application/octet-stream"},
            body=b"" if method == "GET" else content,
            expect_errors=True,
        )
        assert response.status_int == expect, f"{method} {path}: {response.status} {response.text}"
        if response.content_type in {"application/json", "application/vnd.api+json"}:
            return orjson.loads(response.body)
        return response.body or None

    def acquire(self) -> "Job | None":
        """The next job; None if there is none."""
        response = self._app.post(
            f"{PROTOCOL}/agents/{self.id}/acquire", headers={"Authorization": f"Bearer {self.token}"}
        )
        return Job(self, orjson.loads(response.body)) if response.status_int == 200 else None

    def take(self) -> "Job":
        """The next job, which there must be."""
        job = self.acquire()
        assert job is not None, "there is no job"
        return job

    def plan(self, *, changes: bool = True) -> "Job":
        """Take a plan and finish it."""
        job = self.take()
        assert job.document["phase"] == "plan"
        job.start()
        job.finish(has_changes=changes, additions=int(changes))
        return job

    def apply(self) -> "Job":
        """Take an apply and finish it, with a state."""
        job = self.take()
        assert job.document["phase"] == "apply"
        job.start()
        job.put_state(state(job.fence + 10))
        job.finish(additions=1)
        return job


@dataclass
class Job:
    """A job that the agent has taken."""

    agent: FakeAgent
    document: dict[str, Any]

    @property
    def id(self) -> str:
        return str(self.document["id"])

    @property
    def fence(self) -> int:
        return int(self.document["fence"])

    def _path(self, rest: str, **parameters: Any) -> str:
        query = "&".join(f"{name}={value}" for name, value in {"fence": self.fence, **parameters}.items())
        return f"/jobs/{self.id}/{rest}{'&' if '?' in rest else '?'}{query}"

    def start(self, *, expect: int = 200) -> Any:
        return self.agent.send("POST", self._path("start"), expect=expect)

    def lease(self, *, expect: int = 200) -> Any:
        return self.agent.send("PUT", self._path("lease"), expect=expect)

    def log(self, content: bytes, offset: int, *, expect: int = 200) -> Any:
        return self.agent.send("PUT", self._path("log", offset=offset), content, expect=expect)

    def put(self, rest: str, content: bytes, *, expect: int = 204) -> Any:
        return self.agent.send("PUT", self._path(rest), content, expect=expect)

    def put_state(self, content: bytes, *, expect: int = 200) -> Any:
        return self.agent.send("PUT", self._path("state", final="true"), content, expect=expect)

    def get(self, rest: str, *, expect: int = 200) -> Any:
        return self.agent.send("GET", self._path(rest), expect=expect)

    def policies(self, *, expect: int = 200) -> Any:
        """The policies that count for the run."""
        return self.agent.send("POST", self._path("policies"), expect=expect)

    def tell(self, *sets: dict[str, Any], expect: int = 200, **members: Any) -> Any:
        """Say what the policies say."""
        return self.agent.send("POST", self._path("policy-outcomes"), {"sets": list(sets), **members}, expect=expect)

    def finish(self, outcome: str = "ok", *, expect: int = 200, has_changes: bool = False, **members: Any) -> Any:
        said = {"outcome": outcome, "has-changes": has_changes, "terraform-version": "1.11.4", **members}
        return self.agent.send("POST", self._path("finish"), said, expect=expect)


class Runs:
    """One workspace with an uploaded configuration, its owner, and an agent of its pool."""

    def __init__(self, app: Flask, api: Api, world: World) -> None:
        self.app, self.api, self.world = app, api, world
        self.owner: Person = world.person()
        self.organization = world.organization(owner=self.owner)
        self.project = world.project(self.organization)
        self.pool = world.pool(self.organization)
        agent = world.agent(self.pool)
        self.agent = FakeAgent(app, world.pool_token(self.pool), agent.id)
        self.workspace = self.add_workspace()
        self.configuration = uploaded_configuration(app, world, self.workspace)

    def add_workspace(self, **members: Any) -> Workspace:
        """A workspace whose runs the agents of the pool take."""
        of_pool = {"own_execution_mode": "agent", "own_agent_pool_id": self.pool.id}
        return self.world.workspace(self.project, **{**of_pool, **members})

    def create(
        self, *, workspace: Workspace | None = None, token: str | None = None, expect: int = 201, **attributes: Any
    ) -> Any:
        """The document of a new run."""
        of = ("workspaces", (workspace or self.workspace).id)
        sent = {name.replace("_", "-"): value for name, value in attributes.items()}
        return self.api.post("/runs", token or self.owner.token, document("runs", sent, workspace=of), expect=expect)

    def new(self, **attributes: Any) -> str:
        """The id of a new run."""
        return str(self.create(**attributes)["data"]["id"])

    def show(self, run_id: str) -> Any:
        """The attributes of the run."""
        return self.api.get(f"/runs/{run_id}", self.owner.token)["data"]["attributes"]

    def status(self, run_id: str) -> str:
        return str(self.show(run_id)["status"])

    def act(
        self, run_id: str, action: str, *, token: str | None = None, comment: str | None = None, expect: int = 202
    ) -> Any:
        """Ask for an action on the run."""
        body = None if comment is None else {"comment": comment}
        return self.api.post(f"/runs/{run_id}/actions/{action}", token or self.owner.token, body, expect=expect)

    def is_locked(self) -> bool:
        shown = self.api.get(f"/workspaces/{self.workspace.id}", self.owner.token)
        return bool(shown["data"]["attributes"]["locked"])

    def log_of(self, run_id: str, phase: str = "plan", offset: int = 0, limit: int = 65536) -> bytes:
        """The log of a phase as a client reads it."""
        url = self.api.get(f"/runs/{run_id}/{phase}", self.owner.token)["data"]["attributes"]["log-read-url"]
        path = url.removeprefix("http://localhost")
        return bytes(self.api.raw("GET", f"{path}?offset={offset}&limit={limit}").body)
