"""Replacing and removing images."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.jsonapi.errors import NotFound
from app.models.images import Image
from app.models.projects import Project
from app.models.workspaces import Workspace
from app.persistence import identifier
from app.resources.projects.images.encoding import EncodedImage
from app.storage.ledger import Stored, attach, mark_for_deletion

new_name = identifier("images/img")


class NoImage(NotFound):
    """There is no image to show or to remove."""


def set_image(
    session: Session, target: Project | Workspace, drawn: EncodedImage, kept: Stored
) -> tuple[Image, str | None]:
    """Set the image of a project or workspace whose row is locked; returns it and the replaced one's digest."""
    before = delete_image(session, target)
    attach(session, kept.name)
    image = Image(
        organization_id=target.organization_id,
        **_of(target),
        image_object=kept.name,
        image_key=kept.key,
        content_type=drawn.content_type,
        digest=drawn.digest,
        size=len(drawn.content),
        width=drawn.width,
        height=drawn.height,
    )
    session.add(image)
    session.flush()
    return image, before


def remove_image(session: Session, target: Project | Workspace) -> str:
    """Remove the image of the project or workspace; returns its digest."""
    before = delete_image(session, target)
    if before is None:
        raise NoImage
    return before


def delete_image(session: Session, target: Project | Workspace) -> str | None:
    """Remove the image, if there is one."""
    image = session.scalars(select(Image).filter_by(**_of(target))).one_or_none()
    if image is None:
        return None
    mark_for_deletion(session, select(Image.image_object).where(Image.id == image.id))
    session.delete(image)
    session.flush()
    return image.digest


def _of(target: Project | Workspace) -> Mapping[str, Any]:
    return {"project_id" if isinstance(target, Project) else "workspace_id": target.id}
