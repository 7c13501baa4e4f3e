"""Signed texts: what is accepted as signed by this service, and for how long."""

import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from itsdangerous import TimestampSigner

from app.web import signatures
from app.web.signatures import NotSigned, derive_key, read_recently_signed, read_signed, sign, sign_for_a_while

pytestmark = pytest.mark.one_database

HOUR = timedelta(hours=1)
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


@pytest.fixture(autouse=True)
def context(app: Flask) -> Iterator[None]:
    with app.app_context():
        yield


def read(text: str) -> Any:
    return read_recently_signed("x", text, HOUR)


def test_what_was_signed_is_read() -> None:
    assert read(sign_for_a_while("x", ["a", 1])) == ["a", 1]
    assert read_signed("x", sign("x", ["a", 1])) == ["a", 1]


def test_nothing_is_good_for_another_purpose() -> None:
    with pytest.raises(NotSigned):
        read_recently_signed("y", sign_for_a_while("x", 1), HOUR)
    with pytest.raises(NotSigned):
        read_signed("y", sign("x", 1))
    with pytest.raises(NotSigned):
        read(sign("x", 1))


@pytest.mark.parametrize("of", ["good", "timed"])
def test_a_signature_has_one_spelling(of: str) -> None:
    text = sign("x", 1) if of == "good" else sign_for_a_while("x", 1)
    # The last character has bits that mean nothing; characters that are not base64 mean nothing either.
    others = [text[:-1] + last for last in ALPHABET if last != text[-1]]
    for changed in (*others, f"{text}=", f"{text}!", f"{text[:-3]}!{text[-3:]}", f"{text}\n", text[:-1]):
        with pytest.raises(NotSigned):
            read_signed("x", changed) if of == "good" else read(changed)


@pytest.mark.parametrize(
    ("seconds", "is_good"), [(-3590, True), (-3610, False), (1, True), (120, True), (290, True), (310, False)]
)
def test_clocks_may_differ(monkeypatch: pytest.MonkeyPatch, seconds: int, *, is_good: bool) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(TimestampSigner, "get_timestamp", lambda _self: int(time.time()) + seconds)
        text = sign_for_a_while("x", 1)
    if is_good:
        assert read(text) == 1
    else:
        with pytest.raises(NotSigned):
            read(text)


def test_a_derived_key_depends_on_the_purpose_and_the_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    before = derive_key("x")
    assert (derive_key("x"), len(before)) == (before, 32)
    assert derive_key("y") != before
    monkeypatch.setattr(signatures, "_key", lambda: "another secret")
    assert derive_key("x") != before
