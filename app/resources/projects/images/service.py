"""Use cases of images: each checks the caller, changes in one transaction and records its event."""

from app.authz.permissions import P
from app.models.images import Image
from app.models.projects import Project
from app.models.workspaces import Workspace
from app.persistence import now
from app.resources.projects.images.encoding import EncodedImage
from app.resources.projects.images.operations import new_name, remove_image, set_image
from app.web.objects import stored_object
from app.web.policy import get_for_update
from app.web.transaction import apply_changes, check_transaction, record_event, transaction


def check_may_change(model: type[Project | Workspace], identifier: str, permission: P) -> None:
    """Refuse a caller who may not set the image before its bytes are read; the transaction checks again."""
    with check_transaction() as session:
        get_for_update(session, model, identifier, permission, share_lock=True)


def replace_image(
    model: type[Project | Workspace], identifier: str, permission: P, encoded: EncodedImage
) -> tuple[Image, Project | Workspace]:
    """Set the image of the project or workspace; returns the image and the project or workspace."""
    with stored_object(new_name(), [encoded.content]) as kept, transaction() as session:
        target = get_for_update(session, model, identifier, permission)
        image, before = set_image(session, target, encoded, kept)
        changes = {image_name(model): [before, image.digest]}
        if isinstance(target, Workspace):
            # An uploaded image replaces an address that was set before.
            changes |= apply_changes(target, {"avatar_url": None})
            target.updated_at = now()
            session.flush()
        record_event(session, f"{target.__tablename__}.update", target, changes)
        return image, target


def destroy_image(model: type[Project | Workspace], identifier: str, permission: P) -> None:
    """Remove the image of the project or workspace."""
    with transaction() as session:
        target = get_for_update(session, model, identifier, permission)
        before = remove_image(session, target)
        record_event(session, f"{target.__tablename__}.update", target, {image_name(model): [before, None]})


def image_name(model: type[Project | Workspace]) -> str:
    """The name of the image in addresses and events: icon of a project, avatar of a workspace."""
    return "icon" if model is Project else "avatar"
