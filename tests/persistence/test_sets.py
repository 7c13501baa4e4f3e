"""``in_values`` is Python's ``in``, for sets of any size, on both databases."""

import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, Text, case, func, literal, or_, select, union_all

from app.models import TeamProject
from app.persistence import in_values, values_param
from app.services import services

pytestmark = pytest.mark.both_drivers

# What a database takes as text: no NUL, no lone surrogates; and what a set may hold: nothing empty, no separator.
texts = st.text(st.characters(codec="utf-8", exclude_characters="\0\x1f"), min_size=1, max_size=6) | st.sampled_from(
    ["a", "A", " ", '"', "\\", "{a,b}", "[]", "null", "NULL", "%", "\u00e9", "e\u0301", "\U0001f98a"]
)


@pytest.fixture(scope="module")
def connected(app: Flask) -> Engine:
    engine: Engine = services(app).engines.writing
    return engine


@settings(max_examples=25, deadline=None)
@given(rows=st.lists(texts, min_size=1, max_size=8), wanted=st.lists(texts, max_size=8))
def test_among_is_python_in(connected: Engine, rows: list[str], wanted: list[str]) -> None:
    each = [
        select(literal(place).label("place"), literal(word, Text()).label("word")) for place, word in enumerate(rows)
    ]
    table = union_all(*each).subquery()
    found = select(table.c.place).order_by(table.c.place)
    with connected.connect() as connection:
        within = connection.scalars(found.where(in_values(table.c.word, wanted))).all()
        outside = connection.scalars(found.where(~in_values(table.c.word, wanted))).all()
    assert within == [place for place, word in enumerate(rows) if word in wanted]
    assert outside == [place for place, word in enumerate(rows) if word not in wanted]


def test_a_set_may_be_a_named_parameter_of_one_statement(connected: Engine) -> None:
    statement = select(literal("b").label("word")).where(in_values(literal("b"), values_param("wanted")))
    with connected.connect() as connection:
        for wanted, expected in (([], []), (["a"], []), (["a", "b"], ["b"]), ({"b": 1}, ["b"])):
            assert list(connection.scalars(statement, {"wanted": wanted})) == expected


def test_an_empty_set_holds_nothing_and_null_is_in_no_set(connected: Engine) -> None:
    with connected.connect() as connection:
        assert connection.scalar(select(func.count()).where(in_values(literal("a"), []))) == 0
        assert connection.scalar(select(func.count()).where(in_values(func.nullif("a", "a"), ["a"]))) == 0


def test_what_is_null_but_in_one_case_is_asked_for_by_what_it_is_then(connected: Engine) -> None:
    kind, word = literal("a"), literal("b")
    only = case((kind == "a", word))
    assert "CASE" not in str(in_values(only, ["b"]).compile(connected))
    for column, wanted, expected in (
        (only, ["b"], 1),
        (only, ["a"], 0),
        (case((kind == "x", word)), ["b"], 0),
        (case((kind == "x", word), else_=literal("c")), ["c"], 1),
        (case((kind == "x", word), (kind == "a", literal("c"))), ["c"], 1),
    ):
        with connected.connect() as connection:
            assert connection.scalar(select(func.count()).where(in_values(column, wanted))) == expected


def test_a_text_never_stands_for_several(connected: Engine) -> None:
    with connected.connect() as connection:
        for each in ("a", "b", "a\x1fb"):
            assert connection.scalar(select(func.count()).where(in_values(literal(each), ["a\x1fb"]))) == 0


def test_a_set_has_no_limit_of_parameters(connected: Engine) -> None:
    many = [str(number) for number in range(100_000)]
    with connected.connect() as connection:
        assert connection.scalar(select(func.count()).where(in_values(literal("99999"), many))) == 1
        assert connection.scalar(select(func.count()).where(in_values(literal("none"), many))) == 0


def test_the_text_of_the_statement_does_not_depend_on_the_set(connected: Engine) -> None:
    texts_of = {str(select(in_values(literal("a"), wanted)).compile(connected)) for wanted in ([], ["a"], ["a", "b"])}
    assert len(texts_of) == 1


# PostgreSQL decides by the size of the table.
@pytest.mark.only_sqlite
@pytest.mark.parametrize("alone", [True, False], ids=["alone", "among others"])
def test_sqlite_looks_a_set_up_by_index(connected: Engine, alone: bool) -> None:  # noqa: FBT001 - a parameter
    condition = in_values(TeamProject.team_id, ["team-a"])
    if not alone:
        condition = or_(condition, in_values(TeamProject.id, ["tprj-a"])) & (TeamProject.access == "read")
    text = str(select(TeamProject.id).where(condition).compile(connected, compile_kwargs={"literal_binds": True}))
    with connected.connect() as connection:
        plan = [row.detail for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}")]
    assert any(line.startswith("SEARCH team_projects USING") for line in plan), plan
    assert not any(line.startswith("SCAN team_projects") for line in plan), plan
