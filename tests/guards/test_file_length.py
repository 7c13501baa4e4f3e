from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINES = 400
FILES = [path.relative_to(ROOT) for folder in ("app", "tests") for path in sorted((ROOT / folder).rglob("*.py"))]


@pytest.mark.parametrize("path", FILES, ids=str)
def test_a_file_can_be_read_in_one_go(path: Path) -> None:
    assert len((ROOT / path).read_text(encoding="utf-8").splitlines()) <= LINES
