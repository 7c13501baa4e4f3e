"""JSON is stored and given back as it is, through each driver, also when a statement is prepared after some uses."""

from typing import Any

import pytest
from sqlalchemy import Engine, select

from app.models import ActivityEvent
from app.persistence import Base

pytestmark = pytest.mark.both_drivers

VALUES: list[dict[str, Any]] = [
    {},
    {"name": [None, "net"]},
    {"quoted": ["'", '"', "\\", "%s", "%", ":name", "\x1f"]},
    {"letters": ["\u00e9", "e\u0301", "\U0001f98a"]},
    {"numbers": [0, -1, 1.5, 10**15]},
    {"nested": {"list": [[], {}, [True, False, None]]}},
] * 2


def test_json_comes_back_as_it_was(engine: Engine) -> None:
    events = Base.metadata.tables[ActivityEvent.__tablename__]
    common = {"actor_type": "commands", "actor_name": "flask", "subject_type": "users", "subject_id": "user-a"}
    with engine.begin() as connection:
        for number, changes in enumerate(VALUES):
            connection.execute(events.insert(), common | {"action": f"{number:02}", "changes": changes})
        # Many at once go another way.
        many = [common | {"action": f"{number + 50}", "changes": changes} for number, changes in enumerate(VALUES)]
        connection.execute(events.insert(), many)
    with engine.connect() as connection:
        found = connection.scalars(select(events.c.changes).order_by(events.c.action)).all()
    assert found == VALUES * 2
