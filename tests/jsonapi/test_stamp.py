"""Points in time as documents show them."""

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.jsonapi.errors import humanized
from app.jsonapi.fields import format_timestamp

FORM = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_stamp_is_the_moment_cut_to_milliseconds(moment: datetime) -> None:
    text = format_timestamp(moment)
    assert text is not None
    assert FORM.fullmatch(text)
    assert datetime.fromisoformat(text) == moment.replace(microsecond=moment.microsecond // 1000 * 1000)


@pytest.mark.parametrize(
    ("microsecond", "shown"), [(0, "000"), (1, "000"), (999, "000"), (1000, "001"), (999_999, "999")]
)
def test_a_stamp_never_rounds_up(microsecond: int, shown: str) -> None:
    assert format_timestamp(datetime(2030, 12, 31, 23, 59, 59, microsecond, UTC)) == f"2030-12-31T23:59:59.{shown}Z"


def test_no_moment_has_no_stamp() -> None:
    assert format_timestamp(None) is None


@pytest.mark.parametrize(
    ("member", "expected"), [("name", "Name"), ("auto-destroy-at", "Auto destroy at"), ("a_b", "A b"), ("", "")]
)
def test_a_sentence_begins_with_the_name_of_the_member(member: str, expected: str) -> None:
    assert humanized(member) == expected
