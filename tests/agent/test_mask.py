import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.agent.mask import MASKED, Mask


def masked(secrets: list[str], *pieces: bytes) -> str:
    mask = Mask(secrets)
    return b"".join([*(mask.feed(piece) for piece in pieces), mask.feed(b"", final=True)]).decode()


def test_secrets_are_hidden_wherever_they_are_split() -> None:
    text = b"before s3cret-word after s3cret-word"
    for cut in range(len(text)):
        assert masked(["s3cret-word"], text[:cut], text[cut:]) == f"before {MASKED} after {MASKED}"
    assert masked(["s3cret-word"], *(bytes([byte]) for byte in text)) == f"before {MASKED} after {MASKED}"


def test_each_line_and_each_spelling() -> None:
    secret = 'first "line"\n  second <line>\nabc'
    assert masked([secret], secret.encode()) == MASKED
    assert "first" not in masked([secret], b'first "line"')
    assert "first" not in masked([secret], rb"first \"line\"")
    assert "second" not in masked([secret], rb"second \u003cline\u003e")
    assert masked(["a${b}cde"], rb"a$${b}cde") != "a$${b}cde"
    # Short ones are everywhere.
    assert masked(["abc"], b"abcdef") == "abcdef"


def test_what_a_log_may_not_have() -> None:
    assert masked([], b"a\x02b\x03c\x00d") == "abcd"
    assert masked([], b"\xc3", b"\xa9") == "é"
    assert masked([], b"\xff\xfe", b"\xc3") == "\ufffd\ufffd\ufffd"
    # A mark within a secret does not show it.
    assert masked(["s3cret-word"], b"s3cret\x02-word") == MASKED


def test_what_holds_no_secret_is_not_held_back() -> None:
    mask = Mask(["s3cret-word"])
    assert mask.feed(b"a line\n") == b"a line\n"
    assert mask.feed(b"the s3cre") == b"the "
    assert mask.feed(b"ature\n") == b"s3creature\n"


@given(st.lists(st.sampled_from([b"s3cret", b"-word", b"-other", b" ", b"s3", b"\xc3\xa9"])))
def test_any_pieces(pieces: list[bytes]) -> None:
    secrets = ["s3cret-word", "s3cret-other", "s3cret"]
    assert masked(secrets, *pieces) == masked(secrets, b"".join(pieces))
    assert "s3cret" not in masked(secrets, *pieces)


@pytest.mark.parametrize("text", ["s3cret-word\x02", "\x03 s3cret-word"])
def test_whole_texts(text: str) -> None:
    assert Mask(["s3cret-word"]).text(text).strip() == MASKED
