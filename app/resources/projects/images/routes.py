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
from app.resources.projects.images import service
from app.resources.projects.images.encoding import LARGEST_BYTES, TYPES, EncodedImage, check_type, re_encode
from app.resources.projects.images.operations import NoImage
from app.resources.projects.images.schema import AvatarSchema, ImageSchema
from app.services import services
from app.storage.store import ObjectNotFound
from app.web.answers import no_content, resource_response
from app.web.context import forbid_retry, reader, release_reader
from app.web.guard import any_media_type, describes, requires
from app.web.policy import mark_policy_checked, visible
from app.web.requests import body

blueprint = Blueprint("images", __name__, url_prefix="/api/v2")

FORM: Final = "multipart/form-data"
FIELD: Final = "icon"
# The size of a form without the file.
FORM_OVERHEAD: Final = 64 * 1024
# The size of a document with the largest image in base64.
DOCUMENT: Final = LARGEST_BYTES * 4 // 3 + FORM_OVERHEAD
IMAGE_HEADERS: Final = {
    "Cache-Control": "private, max-age=300",
    # Browsers must not run it as a page, whatever is in it.
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
    service.check_may_change(Project, project_id, P.PROJECT_UPDATE)
    return _replaced(Project, project_id, P.PROJECT_UPDATE, re_encode(_sent_file()))


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
    service.destroy_image(Project, project_id, P.PROJECT_UPDATE)
    return no_content()


@blueprint.post("/workspaces/<workspace_id>/avatar")
@requires(P.WORKSPACE_READ, P.WORKSPACE_UPDATE)
@describes(body=AvatarSchema, answer=ImageSchema, status=201, errors=(422,))
def upload_avatar(workspace_id: str) -> Response:
    """Set the avatar of a workspace. The attributes are the filename, the content type and the data in base64."""
    return set_avatar(workspace_id)


def set_avatar(workspace_id: str) -> Response:
    """The answer to a request that sends an avatar."""
    service.check_may_change(Workspace, workspace_id, P.WORKSPACE_UPDATE)
    members = load(AvatarSchema, body(DOCUMENT))
    drawn = re_encode(members["data"], pointer="/data/attributes/data")
    check_type(drawn, members["content_type"])
    return _replaced(Workspace, workspace_id, P.WORKSPACE_UPDATE, drawn)


@blueprint.get("/workspaces/<workspace_id>/avatar")
@requires(P.WORKSPACE_READ)
@describes(answer=PICTURE)
def show_avatar(workspace_id: str) -> Response:
    """Show the avatar of a workspace, as an image."""
    return avatar_of(workspace_id)


def avatar_of(workspace_id: str) -> Response:
    """The answer with the avatar, as an image."""
    return _show(Workspace, workspace_id, P.WORKSPACE_READ)


@blueprint.delete("/workspaces/<workspace_id>/avatar")
@requires(P.WORKSPACE_READ, P.WORKSPACE_UPDATE)
@describes(status=204)
def destroy_avatar(workspace_id: str) -> Response:
    """Remove the avatar of a workspace."""
    return remove_avatar(workspace_id)


def remove_avatar(workspace_id: str) -> Response:
    """The answer to a request that removes the avatar."""
    service.destroy_image(Workspace, workspace_id, P.WORKSPACE_UPDATE)
    return no_content()


def _sent_file() -> bytes:
    if request.mimetype != FORM:
        raise UnsupportedMediaType(f"Content-Type must be {FORM}")
    forbid_retry()
    if (request.content_length or 0) > LARGEST_BYTES + FORM_OVERHEAD:
        raise TooLarge.beyond(LARGEST_BYTES)
    request.max_content_length = LARGEST_BYTES + FORM_OVERHEAD
    request.max_form_memory_size = FORM_OVERHEAD
    files = request.files.getlist(FIELD)
    if len(files) != 1:
        raise NoIcon(parameter=FIELD)
    sent = files[0].stream.read(LARGEST_BYTES + 1)
    if len(sent) > LARGEST_BYTES:
        raise TooLarge.beyond(LARGEST_BYTES)
    return sent


def _replaced(model: type[Project | Workspace], identifier: str, permission: P, drawn: EncodedImage) -> Response:
    image, target = service.replace_image(model, identifier, permission, drawn)
    address = f"/api/v2/{target.__tablename__}/{target.id}/{service.image_name(model)}"
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
            # The image was replaced since the row was read.
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
        answered.response = services().vault.open(row.image_object, row.image_key)
        answered.content_length = row.size
    return answered
