import os
from pathlib import Path

import pytest

from app.agent import schemas
from app.agent.schemas import Schemas


def test_they_are_made_once_and_the_least_used_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schemas, "MOST", 2)
    kept = Schemas(tmp_path / "schemas")
    made: list[str] = []

    def get(key: str) -> str:
        def make(path: Path) -> None:
            made.append(key)
            path.write_text(key)

        return kept.get(key, make).read_text()

    for moment, key in enumerate("ab"):
        assert get(key) == key
        os.utime(tmp_path / "schemas" / f"{key}.json", (moment, moment))
    assert get("a") == "a"
    assert get("c") == "c"
    assert made == ["a", "b", "c"]
    assert sorted(path.stem for path in (tmp_path / "schemas").iterdir()) == ["a", "c"]


def test_what_fails_is_not_kept(tmp_path: Path) -> None:
    kept = Schemas(tmp_path / "schemas")

    def fail(path: Path) -> None:
        path.write_text("half")
        raise RuntimeError

    with pytest.raises(RuntimeError):
        kept.get("a", fail)
    assert list((tmp_path / "schemas").iterdir()) == []
