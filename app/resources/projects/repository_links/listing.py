"""Reading links to repositories."""

from app.authz.permissions import P
from app.models.repository_links import RepositoryLink
from app.resources.projects.repository_links.schema import RepositoryLinkSchema
from app.web.listing import Listing

REPOSITORY_LINKS = Listing(
    schema=RepositoryLinkSchema,
    model=RepositoryLink,
    visible_by=P.PROJECT_READ,
    columns={
        "id": RepositoryLink.id,
        "organization_id": RepositoryLink.organization_id,
        "project_id": RepositoryLink.project_id,
        "url": RepositoryLink.url,
        "provider": RepositoryLink.provider,
        "default_branch": RepositoryLink.default_branch,
        "directory": RepositoryLink.directory,
        "created_at": RepositoryLink.created_at,
    },
    joined=RepositoryLink.__table__,
    order=(RepositoryLink.created_at, RepositoryLink.id),
)
