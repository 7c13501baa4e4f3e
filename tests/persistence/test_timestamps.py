"""Moments keep their meaning on the way into either database and back."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import StatementError
from sqlalchemy.orm import Session

from app.models import User
from app.persistence import now

pytestmark = pytest.mark.both_drivers


def stored(engine: Engine, moment: datetime) -> datetime:
    with Session(engine) as session, session.begin():
        user = User(username="somebody", email="somebody@example.test", created_at=moment)
        session.add(user)
        session.flush()
        session.expire(user)
        return user.created_at


@pytest.mark.parametrize(
    "moment",
    [
        datetime(2030, 1, 2, 3, 4, 5, 678_000, UTC),
        datetime(2030, 1, 2, 3, 4, 5, 678_901, UTC),
        datetime(2030, 7, 1, 23, 30, tzinfo=timezone(timedelta(hours=-5, minutes=-30))),
        datetime(1970, 1, 1, tzinfo=UTC),
        datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC),
    ],
)
def test_a_moment_comes_back_as_the_same_one_in_utc(engine: Engine, moment: datetime) -> None:
    found = stored(engine, moment)
    assert found == moment
    assert found.utcoffset() == timedelta()


def test_a_naive_time_is_refused(engine: Engine) -> None:
    with pytest.raises(StatementError, match="a timestamp must carry a time zone"):
        stored(engine, datetime(2030, 1, 1))  # noqa: DTZ001 - the point of the test


def test_now_is_utc_cut_to_milliseconds() -> None:
    before = datetime.now(UTC)
    moment = now()
    assert moment.utcoffset() == timedelta()
    assert moment.microsecond % 1000 == 0
    assert timedelta(milliseconds=-1) < moment - before < timedelta(seconds=5)
