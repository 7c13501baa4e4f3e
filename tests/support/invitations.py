"""Invitations, as the tests make and accept them."""

from datetime import timedelta
from typing import Any

from sqlalchemy import Engine, update

from app.models import Invitation, Project
from app.persistence import now
from tests.support.api import Api, document
from tests.support.world import Person


def sent(email: Any = "bob@example.test", role: Any = "member", environment: Any = None, **members: Any) -> Any:
    cells = {name.replace("_", "-"): value for name, value in members.items()}
    related = {"environment": ("environments", environment)} if environment else {}
    return document("invitations", {"email": email, "role": role, **cells}, **related)


def invited(api: Api, project: Project, token: str, **members: Any) -> Any:
    return api.post(f"/projects/{project.id}/invitations", token, sent(**members))["data"]


def token_of(invitation: Any) -> str:
    return str(invitation["attributes"]["token"])


def accept(api: Api, token: str, person: Person, *, expect: int = 200) -> Any:
    return api.post(f"/invitations/{token}/actions/accept", person.token, expect=expect)


def code(answer: Any) -> str:
    [error] = answer["errors"]
    return str(error["code"])


def expire(engine: Engine, identifier: str) -> None:
    late = {"expires_at": now() - timedelta(seconds=1)}
    with engine.begin() as connection:
        connection.execute(update(Invitation).where(Invitation.id == identifier).values(late))
