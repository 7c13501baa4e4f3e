"""A person in front of the console, with a workspace that has everything, and hostile texts wherever texts can be."""

import json
from typing import Any

from flask import Flask
from sqlalchemy.orm import Session
from webtest.response import TestResponse

from app.authentication.passwords import hash_password
from app.models import User
from tests.support.api import Api
from tests.support.browser import PASSWORD, Browser
from tests.support.runs import Runs
from tests.support.states import States, state
from tests.support.world import Person, World

HOSTILE = "<script>alert(1)</script>\"'&{{7*7}}"
SECRET = "a-value-that-no-page-shows"
REGO = f'# {HOSTILE}\npackage terraform\n\ndeny contains "no" if false\n'
LOG = f"\x1b[31mred\x1b[0m {HOSTILE}\n".encode()
PLAN = {
    "format_version": "1.2",
    "resource_changes": [
        {
            "address": f'null_resource.this["{HOSTILE}"]',
            "mode": "managed",
            "type": "null_resource",
            "name": "this",
            "provider_name": "registry.terraform.io/hashicorp/null",
            "change": {
                "actions": ["update"],
                "before": {"text": HOSTILE, "secret": SECRET, "same": 1},
                "after": {"text": "new", "secret": "another-secret", "same": 1},
                "after_unknown": {"id": True},
                "before_sensitive": {"secret": True},
                "after_sensitive": {"secret": True},
            },
        }
    ],
}


def sign_in(app: Flask, world: World, person: Person, *, ip: str = "192.0.2.1") -> Browser:
    """A browser in which the person has signed in to the console."""
    with Session(world._engine) as session, session.begin():
        session.get_one(User, person.id).password_hash = hash_password(PASSWORD)
    browser = Browser(app, ip=ip)
    form = browser.app.get("/app/sign-in").forms[0]
    form["account"], form["password"] = person.username, PASSWORD
    answered = form.submit(expect_errors=True)
    assert answered.status_int == 303, answered.text
    return browser


class Scene(Runs):
    """A workspace with a run that waits, one that is over, a state, variables, and the browser of its owner."""

    def __init__(self, app: Flask, api: Api, world: World) -> None:
        super().__init__(app, api, world)
        token = self.owner.token
        self.name = self.workspace.name
        self.path = f"/workspaces/{self.workspace.id}"
        states = States(api, self.workspace, token)
        outputs = {
            "shown": {"value": HOSTILE, "type": "string"},
            "hidden": {"value": SECRET, "type": "string", "sensitive": True},
        }
        self.states = [states.save(state(serial, outputs=outputs)) for serial in (1, 2)]
        self._patch(self.path, "workspaces", description=HOSTILE)
        self._patch(f"/projects/{self.project.id}", "projects", description=HOSTILE)
        for key, value, is_secret in (("shown", HOSTILE, False), ("hidden", SECRET, True)):
            variable = {"key": key, "value": value, "category": "terraform", "sensitive": is_secret}
            sent = {"data": {"type": "vars", "attributes": {**variable, "description": HOSTILE}}}
            api.post(f"{self.path}/vars", token, sent)
        self.over = self.new(message=HOSTILE, plan_only=True)
        self.agent.plan()
        self.waiting = self.new(message=HOSTILE)
        job = self.agent.take()
        job.start()
        job.log(LOG, 0)
        job.put("artifacts/plan", b"plan")
        job.put("artifacts/plan-json-redacted", json.dumps(PLAN).encode())
        job.finish(has_changes=True, additions=1)
        api.post(
            f"/runs/{self.waiting}/comments", token, {"data": {"type": "comments", "attributes": {"body": HOSTILE}}}
        )
        varset = {"data": {"type": "varsets", "attributes": {"name": HOSTILE, "global": True}}}
        made = api.post(f"/organizations/{self.organization.name}/varsets", token, varset)["data"]["id"]
        secret = {"key": "hidden", "value": SECRET, "category": "env", "sensitive": True}
        sent = {"data": {"type": "vars", "attributes": secret}}
        api.post(f"/varsets/{made}/relationships/vars", token, sent)
        team = world.team(self.organization)
        self.policy, policy_set = self._policies()
        self.entries = {
            "teams": team.id,
            "agent-pools": self.pool.id,
            "variable-sets": made,
            "policies": self.policy,
            "policy-sets": policy_set,
        }
        self.browser = sign_in(app, world, self.owner)

    def _policies(self) -> tuple[str, str]:
        """A policy with a text, and a set with everything that a set can have."""
        place, token = f"/organizations/{self.organization.name}", self.owner.token
        attributes = {"name": "closed", "query": "data.terraform.deny", "description": HOSTILE}
        sent = {"data": {"type": "policies", "attributes": attributes}}
        policy = self.api.post(f"{place}/policies", token, sent)["data"]["id"]
        self.api.raw("PUT", f"/policies/{policy}/upload", token, REGO.encode())
        linked = {
            "policies": [{"type": "policies", "id": policy}],
            "projects": [{"type": "projects", "id": self.project.id}],
            "workspace-exclusions": [{"type": "workspaces", "id": self.workspace.id}],
        }
        relationships = {name: {"data": data} for name, data in linked.items()}
        sent = {"data": {"type": "policy-sets", "attributes": {"name": "network"}, "relationships": relationships}}
        return policy, self.api.post(f"{place}/policy-sets", token, sent)["data"]["id"]

    def _patch(self, path: str, type_: str, **attributes: Any) -> None:
        self.api.patch(path, self.owner.token, {"data": {"type": type_, "attributes": attributes}})

    @property
    def values(self) -> dict[str, str]:
        """The variable parts of the addresses of pages."""
        return {
            "organization": self.organization.name,
            "project_id": self.project.id,
            "workspace": self.name,
            "run_id": self.waiting,
            "phase": "plan",
            "name": "console.css",
            "version": self.states[1]["data"]["id"],
            "policy_id": self.policy,
        }

    def visit(self, path: str, browser: Browser | None = None, **headers: str) -> TestResponse:
        """The page at a path below the console's."""
        return (browser or self.browser).app.get(f"/app{path}", headers=headers, expect_errors=True)
