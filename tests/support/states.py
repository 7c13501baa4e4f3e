"""States for the tests, and sending them the way the terraform CLI does."""

import hashlib
import json
from base64 import b64encode
from typing import Any
from urllib.parse import urlsplit

from webtest.response import TestResponse

from app.models.workspaces import Workspace
from tests.support.api import Api, document

LINEAGE = "6f1e2d3c-aaaa-bbbb-cccc-0123456789ab"
NULL = 'provider["registry.terraform.io/hashicorp/null"]'
OUTPUTS = {
    "address": {"value": "10.0.0.1", "type": "string"},
    "password": {"value": "hunter2", "type": "string", "sensitive": True},
    "ports": {"value": [80, 443.5], "type": ["tuple", ["number", "number"]]},
}


def state(serial: int | None = 1, *, lineage: str = LINEAGE, resources: int = 1, **members: Any) -> bytes:
    """The bytes of a state as terraform writes it."""
    return json.dumps(
        {
            "version": 4,
            "terraform_version": "1.11.4",
            "serial": serial,
            "lineage": lineage,
            "outputs": {},
            "resources": [
                {
                    "mode": "managed",
                    "type": "null_resource",
                    "name": f"this_{index}",
                    "provider": NULL,
                    "instances": [{"schema_version": 0, "attributes": {"id": str(index)}}],
                }
                for index in range(resources)
            ],
            "check_results": None,
            **members,
        },
        indent=2,
    ).encode()


def md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def announcement(content: bytes, *, is_inline: bool = False, **members: Any) -> dict[str, Any]:
    """The document that announces the state, with the state in it if wanted."""
    said = json.loads(content)
    attributes = {"serial": said["serial"], "md5": md5(content), "lineage": said["lineage"]}
    if is_inline:
        attributes["state"] = b64encode(content).decode()
    return document("state-versions", {**attributes, **members})


class States:
    """Sends and fetches the states of one workspace for one holder of a token."""

    def __init__(self, api: Api, workspace: Workspace, token: str) -> None:
        self.api = api
        self.token = token
        self.workspace = workspace
        self.path = f"/workspaces/{workspace.id}"

    def lock(self) -> None:
        self.api.post(f"{self.path}/actions/lock", self.token, {}, expect=200)

    def unlock(self, *, expect: int = 200) -> Any:
        return self.api.post(f"{self.path}/actions/unlock", self.token, expect=expect)

    def force_unlock(self) -> None:
        self.api.post(f"{self.path}/actions/force-unlock", self.token, expect=200)

    def create(self, content: bytes, *, expect: int = 201, **members: Any) -> Any:
        """Announce the state and leave it at that."""
        return self.api.post(f"{self.path}/state-versions", self.token, announcement(content, **members), expect=expect)

    def inline(self, content: bytes, *, expect: int = 201, **members: Any) -> Any:
        """Send the state within the document."""
        return self.create(content, expect=expect, is_inline=True, **members)

    def put(self, version: Any, content: bytes, *, expect: int = 200, part: str = "state") -> TestResponse:
        """Upload the state, or its JSON form, to the version's address."""
        return put(self.api, version["data"]["attributes"][f"hosted-{part}-upload-url"], content, expect=expect)

    def save(self, content: bytes) -> Any:
        """What a short apply does: lock, announce, upload, unlock. The version as it is then."""
        self.lock()
        version = self.create(content)
        self.put(version, content)
        self.unlock()
        return self.show(version)

    def show(self, version: Any) -> Any:
        return self.api.get(f"/state-versions/{version['data']['id']}", self.token)

    def current(self, *, expect: int = 200) -> Any:
        return self.api.get(f"{self.path}/current-state-version", self.token, expect=expect)

    def fetched(self, version: Any, part: str = "state") -> bytes:
        """The bytes at the version's address for downloads."""
        return fetch(self.api, version["data"]["attributes"][f"hosted-{part}-download-url"])


def put(api: Api, url: str, content: bytes, *, expect: int = 200, **headers: Any) -> TestResponse:
    """Send bytes to an address, without a token."""
    response = api.raw(
        "PUT", urlsplit(url).path, None, content, headers={"Content-Type": "application/octet-stream", **headers}
    )
    assert response.status_int == expect, response.text
    return response


def fetch(api: Api, url: str, *, expect: int = 200) -> bytes:
    """The bytes at an address, without a token."""
    response = api.raw("GET", urlsplit(url).path)
    assert response.status_int == expect, response.text
    return bytes(response.body)
