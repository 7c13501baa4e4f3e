"""Deleting what has expired and what nothing counts any more."""

from datetime import timedelta
from typing import Final

from sqlalchemy import ColumnElement, and_, delete, func, select
from sqlalchemy.orm import Session

from app.models.authentication_tokens import AuthenticationToken
from app.models.background_tasks import DueTask
from app.models.idempotency_keys import IdempotencyKey
from app.models.request_counts import RequestCount
from app.models.sign_in import AuthorizationCode, SignInSession
from app.persistence import Base, now
from app.web.transaction import record_events, transaction

# Until then lists show that a token has expired.
TOKENS_KEPT: Final = timedelta(days=30)
# What processes tell each other counts for seconds.
COUNTS_KEPT: Final = timedelta(minutes=10)
# So many answers of one token are kept for all of their time; a client that repeats requests needs few.
ANSWERS_KEPT: Final = 100_000
AT_ONCE: Final = 100
ROUNDS: Final = 100


def delete_expired(_task: DueTask) -> None:
    """Delete sessions, codes and answers that have expired, and tokens that have expired long ago."""
    moment = now()
    with transaction() as session:
        _delete(session, SignInSession, SignInSession.expires_at <= moment)
        _delete(session, AuthorizationCode, AuthorizationCode.expires_at <= moment)
        _delete(session, IdempotencyKey, IdempotencyKey.expires_at <= moment)
        _delete(session, RequestCount, RequestCount.counted_at <= moment - COUNTS_KEPT)
        _delete_oldest_answers(session)
    for _ in range(ROUNDS):
        if _delete_tokens() < AT_ONCE:
            break


def _delete(session: Session, model: type[Base], condition: ColumnElement[bool]) -> None:
    session.execute(delete(model).where(condition), execution_options={"synchronize_session": False})


def _delete_oldest_answers(session: Session) -> None:
    """Let no caller fill the table: of those with more answers than they may have, the oldest go."""
    keys = IdempotencyKey.__table__.c
    busy = select(keys.caller).group_by(keys.caller).having(func.count() > ANSWERS_KEPT)
    for who in session.scalars(busy).all():
        of_them = select(keys.expires_at).where(keys.caller == who).order_by(keys.expires_at.desc())
        last = session.scalar(of_them.offset(ANSWERS_KEPT).limit(1))
        is_old = and_(keys.caller == who, keys.expires_at <= last, keys.sealed_answer.is_not(None))
        _delete(session, IdempotencyKey, is_old)


def _delete_tokens() -> int:
    """Delete some of the tokens; returns how many."""
    with transaction() as session:
        old = session.scalars(
            select(AuthenticationToken)
            .where(AuthenticationToken.expired_at < now() - TOKENS_KEPT)
            .order_by(AuthenticationToken.id)
            .limit(AT_ONCE)
            .with_for_update(of=AuthenticationToken, skip_locked=True)
        ).all()
        for token in old:
            session.delete(token)
        session.flush()
        record_events(
            session,
            "authentication-tokens.expire",
            [(token, {"description": [token.description, None]}) for token in old],
        )
        return len(old)
