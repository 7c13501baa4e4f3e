from pathlib import Path

from alembic.script import ScriptDirectory

MIGRATIONS = Path(__file__).parents[2] / "migrations"


def test_the_migrations_are_one_line() -> None:
    scripts = ScriptDirectory(str(MIGRATIONS))
    assert len(scripts.get_heads()) == 1, "two migrations follow the same one: set down_revision of the newer"
    assert len(scripts.get_bases()) == 1
    assert not [script.revision for script in scripts.walk_revisions() if script.is_merge_point]
