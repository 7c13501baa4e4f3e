"""Objects in the vault: what goes in comes out, and nothing else ever does."""

import os
import stat
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.storage.files import FileStore
from app.storage.keyring import DecryptionError, Keyring
from app.storage.store import ObjectNotFound
from app.storage.vault import CHUNK, FRAME, Vault

OLD, NEW = "old-master-key-0123456789-0123456789", "new-master-key-0123456789-0123456789"


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return Vault(FileStore(tmp_path / "blobs"), Keyring([NEW]))


def path_of(tmp_path: Path, name: str) -> Path:
    return tmp_path / "blobs" / name


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 3 * CHUNK + 5])
@pytest.mark.parametrize("piece", [1000, CHUNK, 10 * CHUNK])
def test_what_goes_in_comes_out(vault: Vault, tmp_path: Path, size: int, piece: int) -> None:
    content = os.urandom(size)
    key = vault.put("a/b", (content[start : start + piece] for start in range(0, size, piece)))
    assert vault.exists("a/b")
    assert b"".join(vault.open("a/b", key)) == content
    written = path_of(tmp_path, "a/b").read_bytes()
    assert len(written) == size + 16 * max(1, -(-size // CHUNK))
    assert size < 16 or content[:16] not in written


def test_only_the_owner_may_read_the_files(vault: Vault, tmp_path: Path) -> None:
    vault.put("a/b", [b"x"])
    path = path_of(tmp_path, "a/b")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_deleted_object_is_missing(vault: Vault) -> None:
    key = vault.put("a/b", [b"x"])
    vault.delete("a/b")
    vault.delete("a/b")
    assert not vault.exists("a/b")
    with pytest.raises(ObjectNotFound):
        vault.open("a/b", key)


class InterruptedUpload(Exception):
    pass


def test_a_failing_source_leaves_nothing(vault: Vault, tmp_path: Path) -> None:
    def source() -> Iterator[bytes]:
        yield b"x" * CHUNK * 2
        raise InterruptedUpload

    with pytest.raises(InterruptedUpload):
        vault.put("a/b", source())
    assert [path for path in (tmp_path / "blobs").rglob("*") if path.is_file()] == []


def test_a_deleted_object_takes_its_draft_and_its_folder_along(vault: Vault, tmp_path: Path) -> None:
    for name in ("a/b", "a/c"):
        vault.put(name, [b"x"])
    (path_of(tmp_path, "a") / ".b").write_bytes(b"half")
    vault.delete("a/b")
    assert [path.name for path in path_of(tmp_path, "a").iterdir()] == ["c"]
    vault.delete("a/c")
    assert not path_of(tmp_path, "a").exists()
    assert (tmp_path / "blobs").is_dir()


def test_folders_come_and_go_under_the_feet_of_others(vault: Vault) -> None:
    def put_and_delete(worker: int) -> None:
        for turn in range(50):
            name = f"a/{worker}-{turn}"
            key = vault.put(name, [b"x"])
            assert b"".join(vault.open(name, key)) == b"x"
            vault.delete(name)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(put_and_delete, range(8)))


@pytest.mark.parametrize("name", ["", "/a", "a/", "a//b", "..", "a/../b", ".a", "a b", "a\0", "a.b", "a\n"])
def test_a_name_can_not_leave_the_folder(vault: Vault, name: str) -> None:
    with pytest.raises(ValueError):
        vault.put(name, [b"x"])
    with pytest.raises(ValueError):
        vault.exists(name)


CHANGES: dict[str, Callable[[bytes], bytes]] = {
    "the last byte left out": lambda data: data[:-1],
    "a byte added": lambda data: data + b"x",
    "cut behind the second chunk": lambda data: data[: 2 * FRAME],
    "cut behind the first chunk": lambda data: data[:FRAME],
    "the first chunk left out": lambda data: data[FRAME:],
    "chunks exchanged": lambda data: data[FRAME : 2 * FRAME] + data[:FRAME] + data[2 * FRAME :],
    "a chunk doubled": lambda data: data[:FRAME] + data,
    "nothing left": lambda data: data[:0],
    "the first byte changed": lambda data: bytes([data[0] ^ 1]) + data[1:],
    "the last byte changed": lambda data: data[:-1] + bytes([data[-1] ^ 1]),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_changed_object_is_not_read(vault: Vault, tmp_path: Path, change: Callable[[bytes], bytes]) -> None:
    key = vault.put("a/b", [os.urandom(2 * CHUNK + 100)])
    path = path_of(tmp_path, "a/b")
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(DecryptionError):
        b"".join(vault.open("a/b", key))


def test_an_object_can_not_stand_in_for_another(vault: Vault, tmp_path: Path) -> None:
    key = vault.put("a/b", [b"x"])
    path_of(tmp_path, "a/b").rename(path_of(tmp_path, "a/c"))
    with pytest.raises(DecryptionError):
        b"".join(vault.open("a/c", key))


# --- the keyring --------------------------------------------------------------------------------------------------


@given(secret=st.binary(max_size=200))
def test_sealed_text_opens(secret: bytes) -> None:
    ring = Keyring([NEW])
    sealed = ring.seal(secret)
    assert ring.unseal(sealed) == secret
    assert sealed.isascii()
    assert ring.seal(secret) != sealed


def test_the_first_key_seals_and_every_key_opens() -> None:
    old = Keyring([OLD]).seal(b"x")
    both = Keyring([NEW, OLD])
    assert both.unseal(old) == b"x"
    new = both.seal(b"x")
    assert new.startswith(both.newest)
    assert Keyring([NEW]).unseal(new) == b"x"
    for ring, sealed in ((Keyring([NEW]), old), (Keyring([OLD]), new)):
        with pytest.raises(DecryptionError, match="GROUNDPLAN_ENCRYPTION_KEYS"):
            ring.unseal(sealed)


@pytest.mark.parametrize("change", ["", "1", "1.", "1.2.3", "plain text"])
def test_other_text_does_not_open(change: str) -> None:
    with pytest.raises(DecryptionError):
        Keyring([NEW]).unseal(change)


def test_changed_text_does_not_open() -> None:
    ring = Keyring([NEW])
    sealed = ring.seal(b"secret")
    for index in range(len(ring.newest), len(sealed) - 1):
        other = "A" if sealed[index] != "A" else "B"
        with pytest.raises(DecryptionError):
            ring.unseal(sealed[:index] + other + sealed[index + 1 :])
