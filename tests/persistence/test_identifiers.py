"""Identifiers are recognisable, hard to misread and never the same twice."""

import re
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import models
from app.persistence import Base, identifier
from app.persistence.identifiers import ALPHABET, LENGTH, random_text

FORM = re.compile(r"^[a-z]+-[1-9A-HJ-NP-Za-km-z]{16}$")

PREFIXES = {
    models.ActivityEvent: "evt",
    models.AuthenticationToken: "at",
    models.Organization: "org",
    models.OrganizationMembership: "ou",
    models.Project: "prj",
    models.TagBinding: "tb",
    models.Team: "team",
    models.TeamProject: "tprj",
    models.User: "user",
    models.Workspace: "ws",
}


@pytest.mark.parametrize(("model", "prefix"), PREFIXES.items(), ids=lambda value: getattr(value, "__name__", value))
def test_each_type_has_its_prefix(model: type[Base], prefix: str) -> None:
    made = model.__table__.c.id.default.arg(None)
    assert FORM.fullmatch(made)
    assert made.startswith(f"{prefix}-")


@given(st.sampled_from(sorted(PREFIXES.values())))
def test_an_identifier_has_its_form(prefix: str) -> None:
    made = identifier(prefix)()
    assert FORM.fullmatch(made)
    assert made.partition("-")[0] == prefix


def test_many_identifiers_are_unique() -> None:
    make = identifier("prj")
    assert len({make() for _ in range(20_000)}) == 20_000


def test_every_character_is_about_as_likely() -> None:
    counted = Counter("".join(random_text(58) for _ in range(1000)))
    assert set(counted) == set(ALPHABET)
    # A thousand of each are expected; six standard deviations are about two hundred.
    assert all(800 < count < 1200 for count in counted.values())


@given(st.integers(0, 200))
def test_random_text_has_the_wanted_length(length: int) -> None:
    assert len(random_text(length)) == length
    assert len(random_text()) == LENGTH
