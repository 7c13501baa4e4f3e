"""What was deleted and is kept, in tests."""

from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

import pytest
from flask import Flask

from app.models import RecoverableItem
from app.models.background_tasks import DueTask
from app.persistence import now
from app.resources.projects.recoverable_items.background import delete_expired_items
from app.services import services
from tests.support.api import Api
from tests.support.background import in_context
from tests.support.services import replace_services
from tests.support.world import World

DAYS: Final = 7


def keep_deleted(app: Flask, monkeypatch: pytest.MonkeyPatch, days: int = DAYS) -> None:
    """Let the application keep what is deleted for so many days."""
    replace_services(monkeypatch, app, settings=replace(services(app).settings, recoverable_days=days))


def items(api: Api, token: str, parameters: str = "") -> list[Any]:
    found: list[Any] = api.get(f"/organizations/acme/recoverable-items{parameters}", token)["data"]
    return found


def act(api: Api, item: Any, verb: str, token: str, expect: int = 204) -> Any:
    return api.put(f"/recoverable-items/{item['id']}/actions/{verb}", token, expect=expect)


def let_expire(world: World) -> None:
    for item in world.all(RecoverableItem):
        world.change(item, expires_at=now() - timedelta(seconds=1))


def expire(app: Flask) -> None:
    task = DueTask(id="work-1", kind="delete-expired-items", key=None, lane=None, payload={}, attempt=1, is_last=False)
    in_context(app, lambda: delete_expired_items(task))
