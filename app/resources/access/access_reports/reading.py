"""Reading the teams of a member."""

from collections.abc import Sequence

from sqlalchemy import Connection, select

from app.models.teams import TeamMember


def teams_of(connection: Connection, membership_id: str) -> Sequence[str]:
    """The ids of the teams that the member is in."""
    return connection.scalars(select(TeamMember.team_id).where(TeamMember.membership_id == membership_id)).all()
