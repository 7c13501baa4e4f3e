import runpy

from argon2 import PasswordHasher

from app.authentication import passwords


def test_a_hash_costs_what_the_library_recommends() -> None:
    # The module anew, because the tests make its hashes cheap.
    fresh = runpy.run_path(passwords.__file__)
    stored = fresh["hash_password"]("correct horse battery")
    assert not PasswordHasher().check_needs_rehash(stored)
    assert fresh["is_password"]("correct horse battery", stored)
    # As long for somebody who has none.
    assert not PasswordHasher().check_needs_rehash(fresh["_NOBODY"])


def test_without_a_hash_no_password_is_right() -> None:
    password = "correct horse battery"
    assert not passwords.is_password("", None)
    assert not passwords.is_password(password, "not a hash")
    assert passwords.is_password(password, passwords.hash_password(password))
    assert passwords.hash_password(password) != passwords.hash_password(password)
