import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = ("app", "bench", "docs", "migrations", "tests")
LISTING = ("ls-files", "--cached", "--others", "--exclude-standard")

# Paths of somebody's machine, and the hosts that packages come from: the project is at home on none of them.
FOREIGN = re.compile(r"(?<![\w.~/-])/(work|root|home|Users)/\w|py[p]i\.org|python[h]osted\.org")


def test_no_file_names_a_place_of_work_or_a_package_host() -> None:
    files = [path for path in own_files() if path.is_file()]
    assert files
    guilty = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in files
        if (match := FOREIGN.search(path.read_text(encoding="utf-8", errors="replace")))
    ]
    assert guilty == []


def own_files() -> Iterator[Path]:
    """The files of the repository, also of one that was unpacked from an archive."""
    if (ROOT / ".git").exists() and (git := shutil.which("git")):
        command = [git, "-c", f"safe.directory={ROOT}", *LISTING]
        found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603
        yield from (ROOT / name for name in found.stdout.splitlines())
        return
    for folder in FOLDERS:
        yield from (path for path in (ROOT / folder).rglob("*") if "__pycache__" not in path.parts)
