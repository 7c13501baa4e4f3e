import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# Paths of somebody's machine, and the hosts that packages come from: the project is at home on none of them.
FOREIGN = re.compile(r"(?<![\w.~/-])/(work|root|home|Users)/\w|py[p]i\.org|python[h]osted\.org")


def test_no_file_names_a_place_of_work_or_a_package_host() -> None:
    listing = ["git", "-c", f"safe.directory={ROOT}", "ls-files", "--cached", "--others", "--exclude-standard"]
    found = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603
    if found.returncode != 0:
        pytest.skip("not a git checkout")
    files = [path for name in found.stdout.splitlines() if (path := ROOT / name).is_file()]
    assert files
    guilty = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in files
        if (match := FOREIGN.search(path.read_text(encoding="utf-8", errors="replace")))
    ]
    assert guilty == []
