"""Use cases of repository links: each checks the caller, changes in one transaction and records its event."""

from typing import Any

from app.authz.permissions import P
from app.models.projects import Project
from app.models.repository_links import RepositoryLink
from app.resources.projects.repository_links.listing import REPOSITORY_LINKS
from app.resources.projects.repository_links.operations import normalize_link
from app.web.listing import ResourceObject
from app.web.policy import get_for_update
from app.web.transaction import apply_changes, created_changes, record_event, transaction


def create_repository_link(project_id: str, members: dict[str, Any]) -> ResourceObject:
    """Link a project to a repository; the service itself never connects to it."""
    with transaction() as session:
        project = get_for_update(session, Project, project_id, P.PROJECT_UPDATE, share_lock=True)
        link = RepositoryLink(organization_id=project.organization_id, project_id=project.id, **members)
        session.add(link)
        session.flush()
        record_event(session, "repository-links.create", link, created_changes(members))
        return REPOSITORY_LINKS.get_resource({"id": link.id}, session)


def update_repository_link(link_id: str, members: dict[str, Any]) -> ResourceObject:
    """Change a link to a repository; attributes that are left out stay as they are."""
    with transaction() as session:
        link = get_for_update(session, RepositoryLink, link_id, P.PROJECT_UPDATE)
        changes = apply_changes(link, normalize_link(members, link.url))
        session.flush()
        if changes:
            record_event(session, "repository-links.update", link, changes)
        return REPOSITORY_LINKS.get_resource({"id": link_id}, session)


def destroy_repository_link(link_id: str) -> None:
    """Delete a link to a repository."""
    with transaction() as session:
        link = get_for_update(session, RepositoryLink, link_id, P.PROJECT_UPDATE)
        session.delete(link)
        record_event(session, "repository-links.delete", link, {"url": [link.url, None]})
