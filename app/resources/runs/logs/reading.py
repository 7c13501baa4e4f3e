"""Reading and writing logs: compressed and sealed pieces in the database.

A log that clients read begins with STX and ends, once its phase is over, with ETX. Both marks count in the offsets of
clients, and none of them is stored. Agents count only the bytes that they send.
"""

import zlib
from typing import Final

from sqlalchemy import Connection, and_, insert, select
from sqlalchemy.orm import Session

from app.models.applies import Apply
from app.models.log_chunks import CHUNK_BYTES, LogChunk
from app.models.plans import Plan
from app.models.run_phases import OVER, RunPhase
from app.persistence import AnyRow, Base
from app.services import services

STX: Final = b"\x02"
ETX: Final = b"\x03"
# Logs are read much more often than they are written; a fast level is nearly as small.
LEVEL: Final = 1
MODELS: Final[dict[str, type[Base]]] = {"plan": Plan, "apply": Apply}


def find_phase(connection: Connection, phase_id: str) -> AnyRow | None:
    """The status and the length of the log of the plan or apply; None if there is none."""
    model = MODELS.get(phase_id.partition("-")[0])
    if model is None:
        return None
    columns = model.__table__.c
    return connection.execute(
        select(columns.id, columns.status, columns.log_length, columns.started_at).where(columns.id == phase_id)
    ).one_or_none()


def read_log(connection: Connection, phase: AnyRow, offset: int, limit: int) -> bytes:
    """At most ``limit`` bytes of the log from ``offset`` on, both with the marks; empty if there is nothing yet."""
    is_over = phase.status in OVER
    if phase.log_length == 0 and not is_over:
        return b""
    end = offset + limit
    parts = [STX] if offset == 0 and limit else []
    first, last = max(0, offset - 1), min(phase.log_length, end - 1)
    if first < last:
        parts.append(_stored(connection, phase.id, first, last))
    if is_over and offset <= phase.log_length + 1 < end:
        parts.append(ETX)
    return b"".join(parts)


def _stored(connection: Connection, phase_id: str, first: int, last: int) -> bytes:
    chunks = connection.execute(
        select(LogChunk.start, LogChunk.content)
        .where(
            LogChunk.phase_id == phase_id,
            # A piece that begins earlier than this ends before the range.
            and_(LogChunk.start > first - CHUNK_BYTES, LogChunk.start < last),
        )
        .order_by(LogChunk.start)
    ).all()
    keyring = services().keyring
    found = bytearray()
    for start, content in chunks:
        piece = zlib.decompress(keyring.unseal(content))
        if start + len(piece) > first:
            found += piece[max(0, first - start) : last - start]
    return bytes(found)


def append_log(session: Session, phase: RunPhase, run_id: str, offset: int, sent: bytes) -> int:
    """Store the bytes that are new; returns how long the log is now.

    What overlaps with the log is dropped. After a gap nothing is stored: the agent goes on from the returned length.
    """
    new = sent[phase.log_length - offset :] if offset <= phase.log_length else b""
    if not new:
        return phase.log_length
    keyring = services().keyring
    rows = []
    for at in range(0, len(new), CHUNK_BYTES):
        piece = new[at : at + CHUNK_BYTES]
        rows.append(
            {
                "phase_id": phase.id,  # type: ignore[attr-defined]
                "start": phase.log_length + at,
                "size": len(piece),
                "run_id": run_id,
                "content": keyring.seal(zlib.compress(piece, LEVEL)),
            }
        )
    session.execute(insert(LogChunk), rows)
    phase.log_length += len(new)
    session.flush()
    return phase.log_length
