"""Values and rows that are created with a project: its slug and its owner."""

import secrets

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.models.project_members import OWNER, ProjectMember
from app.models.projects import SLUG_LENGTH, Project, slug_of
from app.persistence import in_values

NUMBERED_SLUGS = range(2, 100)


def free_slug(session: Session, organization_id: str, name: str) -> str:
    """A slug for a name whose plain slug is taken: with a number at the end, or else a random text."""
    wanted = slug_of(name)
    numbered = [_with(wanted, str(number)) for number in NUMBERED_SLUGS]
    columns = Project.__table__.c
    taken = session.scalars(
        select(Project.slug).where(Project.organization_id == organization_id, in_values(columns.slug, numbered)),
    ).all()
    return next((slug for slug in numbered if slug not in taken), _with(wanted, secrets.token_hex(4)))


def _with(slug: str, suffix: str) -> str:
    return f"{slug[: SLUG_LENGTH - len(suffix) - 1].rstrip('-')}-{suffix}"


def first_owner(project: Project, membership_id: str) -> ProjectMember:
    """The role of the project's creator, who owns it (mission: D1)."""
    return ProjectMember(
        organization_id=project.organization_id,
        project_id=project.id,
        membership_id=membership_id,
        role=OWNER,
    )
