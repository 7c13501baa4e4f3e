from pathlib import Path

ROOT = Path(__file__).parents[2]
LINES = 400


def test_a_file_can_be_read_in_one_go() -> None:
    files = [path for folder in ("app", "tests") for path in (ROOT / folder).rglob("*.py")]
    assert files
    lengths = {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8").count("\n") for path in files}
    assert {name: length for name, length in lengths.items() if length > LINES} == {}
