"""What is created with a project: its slug, its owner, and the row that shows it."""

import secrets

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.models.project_members import OWNER, ProjectMember
from app.models.projects import SLUG_LENGTH, Project, slug_of
from app.persistence import AnyRow, in_values
from app.resources.inheritance.execution_mode import Execution
from app.resources.projects.projects.listing import PROJECTS

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


def created_project(project: Project, organization_name: str, inherited: Execution) -> AnyRow:
    """The row of the listing for a new project, so that nothing has to be read: it has no workspaces and no teams."""
    has_own = project.own_execution_mode is not None
    return PROJECTS.row_of(
        project,
        organization_name=organization_name,
        updated_at=project.created_at,
        default_execution_mode=project.own_execution_mode if has_own else inherited.mode,
        default_agent_pool=project.own_agent_pool_id if has_own else inherited.pool,
        icon_url=None,
        workspace_count=0,
        team_count=0,
    )
