"""Configurations that try to leave their directory, to fill the disk, or to stand in for something else."""

import gzip
import io
import os
import tarfile
from pathlib import Path
from typing import Any

import pytest

from app.agent.unpack import PIECE, BadConfiguration, unpack
from tests.support.agent_service import packed


def archive(*members: tuple[str, dict[str, Any], bytes]) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w:gz") as opened:
        for name, changes, data in members:
            member = tarfile.TarInfo(name)
            member.size = len(data)
            for attribute, value in changes.items():
                setattr(member, attribute, value)
            opened.addfile(member, io.BytesIO(data))
    return target.getvalue()


def link(name: str, goal: str) -> tuple[str, dict[str, Any], bytes]:
    return name, {"type": tarfile.SYMTYPE, "linkname": goal}, b""


def file(name: str, data: bytes = b"x", **changes: Any) -> tuple[str, dict[str, Any], bytes]:
    return name, changes, data


@pytest.fixture
def target(tmp_path: Path) -> Path:
    folder = tmp_path / "config"
    folder.mkdir()
    return folder


def go(data: bytes, target: Path, *, most_bytes: int = 10_000_000, most_files: int = 1000) -> None:
    unpack(io.BytesIO(data), target, most_bytes=most_bytes, most_files=most_files)


def test_a_configuration_is_unpacked(target: Path) -> None:
    go(
        archive(
            file("./main.tf", b"main"),
            file("modules/a/main.tf", b"a"),
            file("run.sh", mode=0o4755),
            ("empty", {"type": tarfile.DIRTYPE}, b""),
            link("modules/b", "a"),
            link("up/here", "../main.tf"),
        ),
        target,
    )
    assert (target / "main.tf").read_bytes() == b"main"
    assert (target / "modules" / "b" / "main.tf").read_bytes() == b"a"
    assert (target / "up" / "here").read_bytes() == b"main"
    assert (target / "run.sh").stat().st_mode & 0o7777 == 0o755
    assert (target / "empty").is_dir()


@pytest.mark.parametrize(
    ("members", "told"),
    [
        ([file("../out")], "lies outside"),
        ([file("a/../../out")], "lies outside"),
        ([file("/etc/out")], "lies outside"),
        ([link("l", "/etc")], "leads out"),
        ([link("l", "../..")], "leads out"),
        ([link("d/l", ".."), link("m", "d/l/../../out")], "leads out"),
        ([("d", {"type": tarfile.DIRTYPE}, b""), link("d/l", ".."), link("m", "d/l/..")], "leads out"),
        ([link("d", "sub"), file("d/x")], "unpacked: d: Is a directory"),
        ([("p", {"type": tarfile.FIFOTYPE}, b"")], "neither a file"),
        ([("c", {"type": tarfile.CHRTYPE, "devmajor": 1, "devminor": 5}, b"")], "neither a file"),
        ([file("a"), ("h", {"type": tarfile.LNKTYPE, "linkname": "/etc/passwd"}, b"")], "neither a file"),
        ([file("zzz_groundplan_override.tf.json")], "needs this name"),
        ([file("deep/zzz_groundplan_override.tf.json")], "needs this name"),
        ([link("zzz_groundplan_override.tf.json", "a")], "needs this name"),
        ([file("a/b"), file("a")], "unpacked: a: Is a directory"),
        ([file("x" * 300)], "too long"),
    ],
)
def test_tricks_are_refused(members: list[Any], told: str, target: Path, tmp_path: Path) -> None:
    with pytest.raises(BadConfiguration, match=told):
        go(archive(*members), target)
    assert not (tmp_path / "out").exists()


def test_links_in_a_row_lead_nowhere(target: Path, tmp_path: Path) -> None:
    # Each looks harmless by its text, and the second one goes through the first.
    (tmp_path / "secret").write_text("s")
    members = [("a/b", {"type": tarfile.DIRTYPE}, b""), link("l", "a/b"), link("a/m", "../l/../../../secret")]
    with pytest.raises(BadConfiguration, match="leads out"):
        go(archive(*members), target)


def test_nothing_is_planted(target: Path) -> None:
    go(
        packed(
            {
                ".terraform/providers/registry/x": "evil",
                ".terraform/terraform.tfstate": "evil",
                ".terraform/environment": "evil",
                ".terraform/modules/modules.json": "kept",
                "sub/.terraform/plugins/x": "evil",
                ".terraform.lock.hcl": "kept",
            }
        ),
        target,
    )
    found = {str(path.relative_to(target)) for path in target.rglob("*") if path.is_file()}
    assert found == {".terraform/modules/modules.json", ".terraform.lock.hcl"}


def test_limits(target: Path) -> None:
    with pytest.raises(BadConfiguration, match="more than 3 files"):
        go(archive(*[file(f"f{number}") for number in range(4)]), target, most_files=3)
    with pytest.raises(BadConfiguration, match="too large"):
        go(archive(file("a", b"0" * 2000)), target, most_bytes=1000)
    # Much that is packed into little is never written whole.
    with pytest.raises(BadConfiguration, match="too large"):
        go(gzip.compress(bytes(40_000_000)), target, most_bytes=1_000_000)


def test_headers_are_limited(target: Path) -> None:
    header = tarfile.TarInfo("pax")
    header.type = tarfile.XHDTYPE
    header.size = 2 * PIECE
    data = gzip.compress(header.tobuf() + bytes(3 * PIECE))
    with pytest.raises(BadConfiguration, match="header in the archive is too large"):
        go(data, target)


# With names, because gzip writes the time, and two processes must collect the same tests.
@pytest.mark.parametrize(
    "data",
    [b"", b"no gzip", gzip.compress(b"no tar"), packed(main="x" * 9999)[:60]],
    ids=["nothing", "no gzip", "no tar", "cut off"],
)
def test_what_is_no_archive(data: bytes, target: Path) -> None:
    with pytest.raises(BadConfiguration, match=r"gzip|tar archive"):
        go(data, target)


def test_everything_is_given_to_the_other_user(target: Path) -> None:
    given: list[str] = []
    unpack(
        io.BytesIO(archive(file("a/b"), link("l", "a"))),
        target,
        most_bytes=1000,
        most_files=10,
        own=lambda path: given.append(os.path.relpath(path, target)),
    )
    assert set(given) == {".", "a", "a/b"}
