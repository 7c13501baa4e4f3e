"""What is taken as the archive of a configuration, and what it may cost to find out."""

import gzip
import io
import random
import tarfile
import time
import zlib
from collections.abc import Iterator

import pytest

from app.resources.runs.configuration_versions import archive as archives
from app.resources.runs.configuration_versions.archive import ArchiveCheck, ArchiveTooLarge, NoArchive
from tests.support.configurations import ARCHIVE, archive

RANDOM = random.Random(1).randbytes(300_000)  # noqa: S311 - no secret


def pieces(content: bytes, size: int) -> Iterator[bytes]:
    return (content[start : start + size] for start in range(0, len(content), size))


def check(content: bytes, size: int = 65_536) -> bytes:
    return b"".join(ArchiveCheck().tee(pieces(content, size)))


def folder() -> bytes:
    """With what a folder on a disk has: long names, links, folders, another format."""
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w:gz", format=tarfile.GNU_FORMAT) as tar:
        for kind, name in ((tarfile.DIRTYPE, "modules"), (tarfile.SYMTYPE, "link"), (tarfile.LNKTYPE, "hard")):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "main.tf"
            # Old programs write the size of the file that a link leads to.
            info.size = 700 if kind == tarfile.LNKTYPE else 0
            tar.addfile(info)
        info = tarfile.TarInfo("x" * 300)
        info.size = 513
        tar.addfile(info, io.BytesIO(b"y" * 513))
    return written.getvalue()


GOOD = {
    "one file": ARCHIVE,
    "nothing": archive({}),
    "a long file": archive({"a": RANDOM, "b": b"", "c": b"x" * 512}),
    "a folder": folder(),
    "a long name in pax": archive({"n" * 400: b"x", "\u00e4": b"y"}),
    "in two parts": gzip.compress(archive({"a": RANDOM}, compression="")[:1000])
    + gzip.compress(archive({"a": RANDOM}, compression="")[1000:]),
    "padded": ARCHIVE + bytes(1000),
}
BAD = {
    "empty": b"",
    "text": b"resource {}",
    "not compressed": archive(compression=""),
    "other compression": archive(compression="xz"),
    "no tar": gzip.compress(b"x" * 2000),
    "nothing in it": gzip.compress(b""),
    "cut": ARCHIVE[:-4],
    "cut in the middle": archive({"a": RANDOM})[:100_000],
    "a file cut": gzip.compress(archive({"a": RANDOM}, compression="")[:100_000]),
    "without its end": gzip.compress(archive(compression="")[:1024]),
    "damaged": ARCHIVE[:30] + b"\0" + ARCHIVE[31:],
    "garbage behind it": ARCHIVE + b"x",
    "a number that is none": gzip.compress(b"a" * 100 + b"9" * 412),
}


@pytest.mark.parametrize("name", GOOD)
@pytest.mark.parametrize("size", [1, 100, 65_536])
def test_an_archive_passes_unchanged(name: str, size: int) -> None:
    if size == 1 and len(GOOD[name]) > 10_000:
        size = 13
    assert check(GOOD[name], size) == GOOD[name]


@pytest.mark.parametrize("name", BAD)
def test_everything_else_is_refused(name: str) -> None:
    for size in (100, 65_536):
        with pytest.raises(NoArchive):
            check(BAD[name], size)


def test_a_bomb_is_refused_before_it_costs_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MAXIMUM_UNPACKED", 50_000_000)
    header = archive({"a": b""}, compression="")[:512].replace(b"00000000000\0", b"77777777777\0", 1)
    packer = zlib.compressobj(9, zlib.DEFLATED, archives.GZIP)
    bomb = packer.compress(_with_checksum(header)) + b"".join(packer.compress(bytes(1_000_000)) for _ in range(500))
    began = time.process_time()
    with pytest.raises(ArchiveTooLarge):
        check(bomb + packer.flush())
    assert time.process_time() - began < 1


def _with_checksum(header: bytes) -> bytes:
    blank = header[:148] + b" " * 8 + header[156:]
    return header[:148] + f"{sum(blank):06o}\0 ".encode() + header[156:]


def test_so_many_files_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MAXIMUM_FILES", 10)
    check(archive({f"{number}.tf": b"" for number in range(10)}))
    with pytest.raises(ArchiveTooLarge):
        check(archive({f"{number}.tf": b"" for number in range(11)}))
