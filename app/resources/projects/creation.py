"""What comes with a new project: its slug, its default environment, its owner."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.resources.environments.model import DEFAULT_ENVIRONMENT, Environment
from app.resources.project_members.model import OWNER, ProjectMember
from app.resources.projects.model import SLUG_LENGTH, Project, slug_of


def free_slug(session: Session, organization_id: str, name: str) -> str:
    """The slug of the name, with a number behind it where the organization has that slug already."""
    wanted = slug_of(name)
    taken = set(
        session.scalars(
            select(Project.slug).where(Project.organization_id == organization_id, Project.slug.startswith(wanted)),
        ),
    )
    slug, number = wanted, 1
    while slug in taken:
        number += 1
        suffix = f"-{number}"
        slug = wanted[: SLUG_LENGTH - len(suffix)] + suffix
    return slug


def default_environment(project: Project) -> Environment:
    """The environment that every project has (mission: D1)."""
    return Environment(
        organization_id=project.organization_id,
        project_id=project.id,
        name=DEFAULT_ENVIRONMENT,
        is_default=True,
    )


def first_owner(project: Project, membership_id: str) -> ProjectMember:
    """The ownership of who makes a project (mission: D1)."""
    return ProjectMember(
        organization_id=project.organization_id,
        project_id=project.id,
        membership_id=membership_id,
        role=OWNER,
    )
