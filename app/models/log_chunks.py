"""The logs of plans and applies, in pieces."""

from sqlalchemy import BigInteger, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from app.persistence import Base
from app.storage.sealed import SEALED

# A reader finds the first piece of a range by this length.
CHUNK_BYTES = 64 * 1024


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
