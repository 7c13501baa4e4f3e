"""The logs of plans and applies, in pieces."""

import zlib
from typing import Final

from sqlalchemy import BigInteger, ForeignKey, insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.models.run_phases import RunPhase
from app.persistence import Base
from app.services import services
from app.storage.sealed import SEALED

# A reader finds the first piece of a range by this length.
CHUNK_BYTES: Final = 64 * 1024
# Agents end a log earlier, with a line that says so. Not every agent is the operator's.
MAXIMUM_BYTES: Final = 128 * 1024 * 1024
# Logs are read much more often than they are written; a fast level is nearly as small.
LEVEL: Final = 1


class LogChunk(Base):
    """A piece of a log, compressed and sealed: whoever reads the database learns nothing that terraform printed."""

    __tablename__ = "log_chunks"

    # The id of a plan or an apply.
    phase_id: Mapped[str] = mapped_column(primary_key=True)
    # The position of its first byte among those that the agent sent.
    start: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    size: Mapped[int]
    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"), index=True)
    content: Mapped[str] = mapped_column(info=SEALED)


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
