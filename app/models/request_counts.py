"""How many requests the processes of the service get from those who send many."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from app.persistence import Base, Timestamp


class RequestCount(Base):
    """What a token or an organization asks of one process, as this process has told a moment ago."""

    __tablename__ = "request_counts"

    # The id of a token or of an organization.
    key: Mapped[str] = mapped_column(primary_key=True)
    process: Mapped[str] = mapped_column(primary_key=True)
    per_second: Mapped[float]
    counted_at: Mapped[datetime] = mapped_column(Timestamp)
