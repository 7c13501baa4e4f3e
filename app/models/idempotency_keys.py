"""The answers to writes that a client may send again."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from app.persistence import Base, Timestamp


class IdempotencyKey(Base):
    """A caller's key for a write: under way, or done with its answer, which is shown to whoever repeats the write.

    The answer is sealed, because some answers hold a secret that is shown once.
    """

    __tablename__ = "idempotency_keys"

    # A token, or a person who has signed in.
    caller: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    # The digest of the request: another one with the same key is a mistake of the client.
    fingerprint: Mapped[str]
    # The attempt that may commit. An attempt that was taken over can't.
    attempt: Mapped[str]
    claimed_until: Mapped[datetime] = mapped_column(Timestamp)
    expires_at: Mapped[datetime] = mapped_column(Timestamp, index=True)
    sealed_answer: Mapped[str | None] = mapped_column(info={"sealed": True})
