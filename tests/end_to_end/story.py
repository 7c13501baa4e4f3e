"""The people of a story, and what they send. Every request says which status it expects."""

import json
from typing import Any

import httpx

from tests.end_to_end.service import Service
from tests.support.api import document


class Caller:
    """Somebody who sends requests: a person, or a program with a token, or a passer-by without one."""

    def __init__(self, client: httpx.Client, name: str) -> None:
        """Nothing is sent yet."""
        self.name = name
        self.email = ""
        self.id = ""
        self._client = client

    def get(self, path: str, *, expect: int = 200) -> Any:
        """The document at the path."""
        return self.send("GET", path, expect=expect)

    def post(self, path: str, sent: object = None, *, expect: int = 201) -> Any:
        """The document of the answer."""
        return self.send("POST", path, sent, expect=expect)

    def patch(self, path: str, sent: object, *, expect: int = 200) -> Any:
        """The document of the answer."""
        return self.send("PATCH", path, sent, expect=expect)

    def put(self, path: str, sent: object, *, expect: int = 200, **headers: str) -> Any:
        """The document of the answer."""
        return self.send("PUT", path, sent, expect=expect, **headers)

    def delete(self, path: str, *, expect: int = 204) -> Any:
        """Nothing, or the document with the errors."""
        return self.send("DELETE", path, expect=expect)

    def send(self, method: str, path: str, sent: object = None, *, expect: int, **headers: str) -> Any:
        """The document of the answer; None when it has no body. Headers are given with underscores."""
        content = None if sent is None else json.dumps(sent).encode()
        response = self.raw(method, path, content, {name.replace("_", "-"): text for name, text in headers.items()})
        said = f"{self.name}: {method} {path}: {response.status_code} {response.text}"
        assert response.status_code == expect, said
        return response.json() if response.content else None

    def raw(
        self, method: str, path: str, content: bytes | None = None, headers: dict[str, str] | None = None
    ) -> httpx.Response:
        """The answer itself, whatever its status."""
        return self._client.request(method, path, content=content, headers=headers)

    def names(self, path: str, attribute: str = "name") -> list[str]:
        """The names of what is listed at the path."""
        return [each["attributes"][attribute] for each in self.get(path)["data"]]


class Cast:
    """Everybody who plays in the stories: the operator makes their accounts, no story leaves them a role."""

    def __init__(self, service: Service) -> None:
        """The first user, who is a super user of the site, and five others who are nobody yet."""
        self._service = service
        self._clients: list[httpx.Client] = []
        self.root = self.bearer(service.user_token, service.username)
        self.passer_by = self.bearer(None, "somebody without a token")
        self.ada, self.ben, self.cleo, self.dora, self.finn = map(self._person, ("ada", "ben", "cleo", "dora", "finn"))

    def bearer(self, token: str | None, name: str) -> Caller:
        """Whoever has this token."""
        client = self._service.client(token)
        self._clients.append(client)
        return Caller(client, name)

    def close(self) -> None:
        """The last story is told."""
        for client in self._clients:
            client.close()

    def _person(self, name: str) -> Caller:
        email = f"{name}@people.test"
        caller = self.bearer(self._service.run_flask("create-user", name, email).strip(), name)
        caller.email = email
        caller.id = caller.get("account/details")["data"]["id"]
        return caller


def join(owner: Caller, organization: str, *people: Caller, team_id: str | None = None) -> None:
    """Make people members of the organization, perhaps in a team."""
    teams = {"teams": [("teams", team_id)]} if team_id else {}
    for person in people:
        invited = document("organization-memberships", {"email": person.email}, **teams)
        joined = owner.post(f"organizations/{organization}/organization-memberships", invited)
        assert joined["data"]["attributes"]["status"] == "active"


def owners_of(owner: Caller, organization: str) -> str:
    """The id of the team of the owners."""
    teams = owner.get(f"organizations/{organization}/teams")["data"]
    (team,) = [each["id"] for each in teams if each["attributes"]["name"] == "owners"]
    return str(team)


def made(answer: Any) -> str:
    """The id of what was made."""
    return str(answer["data"]["id"])


def attributes(answer: Any) -> dict[str, Any]:
    """The attributes of what is shown."""
    shown: dict[str, Any] = answer["data"]["attributes"]
    return shown
