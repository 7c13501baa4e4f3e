"""The schema of a database as text that two databases can be compared by: everything the database itself knows."""

import re
from collections.abc import Iterator

from sqlalchemy import Connection, text

# Alembic's own table, which no model describes.
VERSIONS = "alembic_version"

# These exist only where the extension pg_trgm is available.
OPTIONAL_INDEXES = "trgm_"

POSTGRESQL = """
SELECT c.relname || ': column ' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
    || CASE WHEN a.attnotnull THEN ' not null' ELSE '' END
    || coalesce(' collate ' || l.collname, '')
    || coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), '')
    || coalesce(' identity ' || nullif(a.attidentity::text, ''), '')
    || coalesce(' generated ' || nullif(a.attgenerated::text, ''), '') AS line, c.relname AS owner, NULL AS name
FROM pg_attribute a
JOIN pg_class c ON c.oid = a.attrelid AND c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace
JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_collation l ON l.oid = nullif(a.attcollation, t.typcollation)
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attnum > 0 AND NOT a.attisdropped
UNION ALL
SELECT c.relname || ': constraint ' || k.conname || ' ' || pg_get_constraintdef(k.oid), c.relname, NULL
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid AND c.relnamespace = 'public'::regnamespace
WHERE k.contype <> 'n' -- said by the column; PostgreSQL names it by itself
UNION ALL
SELECT i.tablename || ': ' || i.indexdef, i.tablename, i.indexname FROM pg_indexes i WHERE i.schemaname = 'public'
UNION ALL
SELECT 'type ' || t.typname || ' ' || e.enumlabel, '', NULL FROM pg_enum e JOIN pg_type t ON t.oid = e.enumtypid
UNION ALL
SELECT c.relname || ': ' || pg_get_triggerdef(t.oid), c.relname, NULL
FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid WHERE NOT t.tgisinternal
"""


def schema_text(connection: Connection) -> set[str]:
    """One line for each column, constraint, index and trigger, whatever their order."""
    if connection.dialect.name == "sqlite":
        return set(_sqlite_lines(connection))
    rows = connection.execute(text(POSTGRESQL)).all()
    return {row.line for row in rows if row.owner != VERSIONS and not (row.name or "").startswith(OPTIONAL_INDEXES)}


def _sqlite_lines(connection: Connection) -> Iterator[str]:
    rows = connection.execute(text("SELECT type, tbl_name, sql FROM sqlite_master WHERE sql IS NOT NULL"))
    for kind, table, sql in rows.all():
        if table == VERSIONS:
            continue
        plain = " ".join(sql.replace('"', "").split())
        if kind == "table":
            for clause in clauses(plain):
                yield f"{table}: {clause}"
            yield f"{table}: after the clauses{plain.rpartition(')')[2]}"
        else:
            yield f"{table}: {plain}"


def clauses(create_table: str) -> Iterator[str]:
    """The columns and constraints of a CREATE TABLE: its body, cut at the commas outside parentheses and quotes."""
    body = create_table.partition("(")[2].rpartition(")")[0]
    depth, clause = 0, ""
    for part in re.findall(r"'[^']*'|[^']", body):
        depth += {"(": 1, ")": -1}.get(part, 0)
        if part == "," and depth == 0:
            yield clause.strip()
            clause = ""
        else:
            clause += part
    yield clause.strip()
