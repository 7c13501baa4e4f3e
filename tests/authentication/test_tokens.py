"""The text of tokens and their digests."""

import re

from hypothesis import given
from hypothesis import strategies as st

from app.authentication.tokens import MAXIMUM_LENGTH, digest, new_token, same

texts = st.text(st.characters(exclude_categories=[]))
keys = st.text(st.characters(codec="utf-8"), min_size=1)


def test_a_token_has_the_shape_clients_know() -> None:
    tokens = {new_token() for _ in range(200)}
    assert len(tokens) == 200
    assert all(re.fullmatch(r"[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9]{67}", token) for token in tokens)
    assert all(len(token) <= MAXIMUM_LENGTH for token in tokens)


@given(texts, keys)
def test_a_digest_is_always_the_same_hexadecimal_text(token: str, key: str) -> None:
    made = digest(token, key)
    assert re.fullmatch(r"[0-9a-f]{64}", made)
    assert digest(token, key) == made


@given(texts, texts, keys)
def test_different_tokens_have_different_digests(one: str, other: str, key: str) -> None:
    assert (digest(one, key) == digest(other, key)) == (one == other)


@given(texts, keys, keys)
def test_a_digest_depends_on_the_key(token: str, one: str, other: str) -> None:
    # A key is padded with zero bytes to the block of the hash, so two that differ only there are one.
    if one.rstrip("\0") != other.rstrip("\0"):
        assert digest(token, one) != digest(token, other)


@given(st.text("0123456789abcdef"), st.text("0123456789abcdef"))
def test_digests_are_compared_as_texts(one: str, other: str) -> None:
    assert same(one, other) == (one == other)
    assert same(one, one)
