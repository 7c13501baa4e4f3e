"""Sessions, attempts to sign in, and codes that clients have not exchanged yet."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.persistence import Base, Timestamp, identifier, now


class SignInSession(Base):
    """A browser in which a user is signed in. Only the keyed digest of its cookie's text is stored."""

    __tablename__ = "sign_in_sessions"

    digest: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime] = mapped_column(Timestamp, default=now)
    # Extended with use, up to the longest duration of a session.
    expires_at: Mapped[datetime] = mapped_column(Timestamp, index=True)


class SignInAttempt(Base):
    """A password that was sent, and that was wrong or is being checked.

    The account is a keyed digest of the text that was typed, because people sometimes type their password there.
    """

    __tablename__ = "sign_in_attempts"

    id: Mapped[str] = mapped_column(primary_key=True, default=identifier("sia"))
    account: Mapped[str] = mapped_column()
    address: Mapped[str] = mapped_column()
    created_at: Mapped[datetime] = mapped_column(Timestamp, default=now, index=True)

    __table_args__ = (
        Index("ix_sign_in_attempts_account_created_at", account, created_at),
        Index("ix_sign_in_attempts_address_created_at", address, created_at),
    )


class AuthorizationCode(Base):
    """A code that a client exchanges for a token, once. Only its keyed digest is stored."""

    __tablename__ = "authorization_codes"

    digest: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    client_id: Mapped[str]
    redirect_uri: Mapped[str]
    code_challenge: Mapped[str]
    expires_at: Mapped[datetime] = mapped_column(Timestamp, index=True)
