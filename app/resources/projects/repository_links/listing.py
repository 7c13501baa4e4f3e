"""Reading links to repositories."""

from app.models.repository_links import RepositoryLink
from app.resources.projects.repository_links.schema import RepositoryLinkSchema
from app.web.listing import Listing, plain

REPOSITORY_LINKS = Listing(
    schema=RepositoryLinkSchema,
    model=RepositoryLink,
    columns={
        **plain(RepositoryLink, "id organization_id project_id url provider default_branch directory created_at"),
    },
    joined=RepositoryLink.__table__,
    order=(RepositoryLink.created_at, RepositoryLink.id),
)
