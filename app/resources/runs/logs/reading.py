"""Reading logs: compressed and sealed pieces in the database.

A log that clients read begins with STX and ends, once its phase is over, with ETX. Both marks count in the offsets of
clients, and none of them is stored. Agents count only the bytes that they send.
"""

import zlib
from typing import Final

from sqlalchemy import Connection, and_, select

from app.models.applies import Apply
from app.models.log_chunks import CHUNK_BYTES, LogChunk
from app.models.plans import Plan
from app.models.run_phases import OVER
from app.persistence import AnyRow, Base
from app.services import services

STX: Final = b"\x02"
ETX: Final = b"\x03"
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
