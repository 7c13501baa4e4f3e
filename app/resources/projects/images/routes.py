"""Icons of projects and avatars of workspaces over HTTP (mission: C2, E6)."""

from typing import Any, Final

from flask import Blueprint, Response, request
from sqlalchemy import Row, select

from app.authz.permissions import P
from app.jsonapi.dump import compile_dump
from app.jsonapi.errors import TooLarge, Unprocessable, UnsupportedMediaType
from app.jsonapi.schema import load
from app.models.images import Image
from app.models.projects import Project
from app.models.workspaces import Workspace
from app.persistence import now
from app.resources.projects.images.encoding import LARGEST_BYTES, TYPES, re_encode
from app.resources.projects.images.operations import NoImage, new_name, remove_image, set_image
from app.resources.projects.images.schema import AvatarSchema, ImageSchema
from app.storage.place import vault
from app.storage.store import ObjectNotFound
from app.web.answers import no_content, resource_response
from app.web.context import forbid_retry, reader, release_reader
from app.web.guard import any_media_type, describes, requires
from app.web.objects import stored_object
from app.web.policy import get_for_update, mark_policy_checked, visible
from app.web.requests import body
from app.web.transaction import apply_changes, record_event, transaction

blueprint = Blueprint("images", __name__, url_prefix="/api/v2")

FORM: Final = "multipart/form-data"
FIELD: Final = "icon"
# What a form has around the file.
AROUND: Final = 64 * 1024
# A document with the largest image in base64, and the members beside it.
DOCUMENT: Final = LARGEST_BYTES * 4 // 3 + AROUND
IMAGE_HEADERS: Final = {
    "Cache-Control": "private, max-age=300",
    # Nobody takes it for a page, whatever is in it.
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Content-Disposition": "inline",
}
SHOWN: Final = ("id", "content_type", "digest", "size", "width", "height", "created_at", "address")
UPLOAD: Final = {
    "contentMediaType": FORM,
    "type": "object",
    "required": [FIELD],
    "properties": {FIELD: {"type": "string", "format": "binary", "description": "PNG, JPEG, GIF or WebP"}},
}

PICTURE: Final = {"type": "string", "format": "binary", "contentMediaType": ",".join(TYPES.values())}

_dump = compile_dump(ImageSchema, SHOWN)


class NoIcon(Unprocessable):
    """The form has no file, or several files, in the required field."""

    code = "no-icon"
    detail = f"The form must have exactly one file, in the field {FIELD}"


@blueprint.post("/projects/<project_id>/icon")
@requires(P.PROJECT_READ, P.PROJECT_UPDATE)
@any_media_type
@describes(body=UPLOAD, answer=ImageSchema, status=201, errors=(422,))
def upload_icon(project_id: str) -> Response:
    """Set the icon of a project. Send a form (multipart/form-data) with the file in the field icon."""
    _check(Project, project_id, P.PROJECT_UPDATE)
    return _set(Project, project_id, P.PROJECT_UPDATE, P.PROJECT_READ, _sent_file())


@blueprint.get("/projects/<project_id>/icon")
@requires(P.PROJECT_READ)
@describes(answer=PICTURE)
def show_icon(project_id: str) -> Response:
    """Show the icon of a project, as an image."""
    return _show(Project, project_id, P.PROJECT_READ)


@blueprint.delete("/projects/<project_id>/icon")
@requires(P.PROJECT_READ, P.PROJECT_UPDATE)
@describes(status=204)
def destroy_icon(project_id: str) -> Response:
    """Remove the icon of a project."""
    return _remove(Project, project_id, P.PROJECT_UPDATE, P.PROJECT_READ)


@blueprint.post("/workspaces/<workspace_id>/avatar")
@requires(P.WORKSPACE_READ, P.WORKSPACE_UPDATE)
@describes(body=AvatarSchema, answer=ImageSchema, status=201, errors=(422,))
def upload_avatar(workspace_id: str) -> Response:
    """Set the avatar of a workspace. The attributes are the filename, the content type and the data in base64."""
    _check(Workspace, workspace_id, P.WORKSPACE_UPDATE)
    members = load(AvatarSchema, body(DOCUMENT))
    return _set(Workspace, workspace_id, P.WORKSPACE_UPDATE, P.WORKSPACE_READ, members["data"], "/data/attributes/data")


@blueprint.get("/workspaces/<workspace_id>/avatar")
@requires(P.WORKSPACE_READ)
@describes(answer=PICTURE)
def show_avatar(workspace_id: str) -> Response:
    """Show the avatar of a workspace, as an image."""
    return _show(Workspace, workspace_id, P.WORKSPACE_READ)


@blueprint.delete("/workspaces/<workspace_id>/avatar")
@requires(P.WORKSPACE_READ, P.WORKSPACE_UPDATE)
@describes(status=204)
def destroy_avatar(workspace_id: str) -> Response:
    """Remove the avatar of a workspace."""
    return _remove(Workspace, workspace_id, P.WORKSPACE_UPDATE, P.WORKSPACE_READ)


def _sent_file() -> bytes:
    if request.mimetype != FORM:
        raise UnsupportedMediaType(f"Content-Type must be {FORM}")
    forbid_retry()
    request.max_content_length = LARGEST_BYTES + AROUND
    request.max_form_memory_size = AROUND
    files = request.files.getlist(FIELD)
    if len(files) != 1:
        raise NoIcon(parameter=FIELD)
    sent = files[0].stream.read(LARGEST_BYTES + 1)
    if len(sent) > LARGEST_BYTES:
        raise TooLarge
    return sent


def _check(model: type[Project | Workspace], identifier: str, permission: P) -> None:
    # Before the body is read and an image is decoded: neither is done for who may not. The transaction asks again.
    with transaction() as session:
        visible = P.PROJECT_READ if model is Project else P.WORKSPACE_READ
        get_for_update(session, model, identifier, permission, visible_by=visible, share_lock=True)


def _set(  # noqa: PLR0913, PLR0917 - what, whose, by whom
    model: type[Project | Workspace],
    identifier: str,
    permission: P,
    visible_by: P,
    sent: bytes,
    pointer: str | None = None,
) -> Response:
    drawn = re_encode(sent, pointer=pointer)
    with stored_object(new_name(), [drawn.content]) as kept, transaction() as session:
        place = get_for_update(session, model, identifier, permission, visible_by=visible_by)
        image, before = set_image(session, place, drawn, kept)
        changes = {_name(model): [before, image.digest]}
        if isinstance(place, Workspace):
            # The last one that was set is the one that counts.
            changes |= apply_changes(place, {"avatar_url": None})
            place.updated_at = now()
            session.flush()
        record_event(session, f"{place.__tablename__}.update", place, changes)
    address = f"/api/v2/{place.__tablename__}/{place.id}/{_name(model)}"
    values = {name: getattr(image, name) for name in SHOWN if name != "address"}
    return resource_response(_dump(tuple({**values, "address": address}.values()), None), 201)


def _show(model: type[Project | Workspace], identifier: str, permission: P) -> Response:
    row = _row(model, identifier, permission)
    while True:
        try:
            return _image(row)
        except ObjectNotFound:
            newer = _row(model, identifier, permission)
            if newer.image_object == row.image_object:
                raise
            # Another one has taken its place since the row was read.
            row = newer


def _row(model: type[Project | Workspace], identifier: str, permission: P) -> Row[*tuple[Any, ...]]:
    mark_policy_checked(permission)
    key = Image.project_id if model is Project else Image.workspace_id
    found = (
        select(Image.image_object, Image.image_key, Image.content_type, Image.digest, Image.size, Image.created_at)
        .join(model, model.__table__.c.id == key)
        .where(key == identifier, visible(permission, model))
    )
    row = reader().execute(found).one_or_none()
    if row is None:
        raise NoImage
    release_reader()
    return row


def _image(row: Row[*tuple[Any, ...]]) -> Response:
    answered = Response(headers=IMAGE_HEADERS, content_type=row.content_type)
    answered.set_etag(row.digest)
    answered.make_conditional(request)
    if request.method != "HEAD" and answered.status_code == 200:  # noqa: PLR2004 - not what the client has already
        answered.response = vault().open(row.image_object, row.image_key)
        answered.content_length = row.size
    return answered


def _remove(model: type[Project | Workspace], identifier: str, permission: P, visible_by: P) -> Response:
    with transaction() as session:
        place = get_for_update(session, model, identifier, permission, visible_by=visible_by)
        before = remove_image(session, place)
        record_event(session, f"{place.__tablename__}.update", place, {_name(model): [before, None]})
    return no_content()


def _name(model: type[Project | Workspace]) -> str:
    return "icon" if model is Project else "avatar"
