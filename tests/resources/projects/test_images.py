"""Icons of projects and avatars of workspaces: what they are is told by content, what is kept is drawn anew."""

import struct
import zlib
from io import BytesIO
from typing import Any

import pytest
from flask import Flask
from PIL import Image as Picture

from app.models import Image, Organization, Project, StoredObject, Workspace
from app.resources.projects.images.encoding import KEPT_SIDE, LARGEST_BYTES, LARGEST_SIDE
from app.services import services
from tests.support.activity import left_by_requests
from tests.support.api import Api, document, faults
from tests.support.meanwhile import after_reading
from tests.support.pictures import BOUNDARY, MULTIPART, avatar, icon_form, picture
from tests.support.statement_costs import Statements, cost
from tests.support.world import Person, World


class Place:
    """One of the two places that have an image."""

    def __init__(self, api: Api, kind: str, project: Project, workspace: Workspace) -> None:
        self.api, self.kind = api, kind
        self.path = f"/projects/{project.id}/icon" if kind == "icon" else f"/workspaces/{workspace.id}/avatar"
        self.at = self.path.rpartition("/")[0]
        self.attribute = f"{kind}-url"

    def send(self, content: bytes, token: str) -> Any:
        if self.kind == "icon":
            return self.api.raw("POST", self.path, token, icon_form(content), headers=MULTIPART)
        return self.api.raw("POST", self.path, token, avatar(content))

    def url(self, token: str) -> str | None:
        shown: str | None = self.api.get(self.at, token)["data"]["attributes"][self.attribute]
        return shown


@pytest.fixture
def project(world: World, acme: Organization) -> Project:
    return world.project(acme)


@pytest.fixture
def workspace(world: World, project: Project) -> Workspace:
    return world.workspace(project)


@pytest.fixture(params=["icon", "avatar"])
def place(request: pytest.FixtureRequest, api: Api, project: Project, workspace: Workspace) -> Place:
    return Place(api, request.param, project, workspace)


@pytest.mark.parametrize(("kind", "content_type"), [(k, f"image/{k.lower()}") for k in ("PNG", "JPEG", "GIF", "WEBP")])
def test_an_image_is_stored_and_served(api: Api, place: Place, owner: Person, kind: str, content_type: str) -> None:
    assert place.url(owner.token) is None
    answer = place.send(picture(kind), owner.token)
    assert answer.status_int == 201, answer.text
    data = answer.json["data"]
    assert data["type"] == "images"
    assert data["links"]["self"] == f"/api/v2{place.path}" == place.url(owner.token)
    attributes = data["attributes"]
    assert (attributes["content-type"], attributes["width"], attributes["height"]) == (content_type, 40, 20)
    served = api.raw("GET", place.path, owner.token)
    assert served.status_int == 200
    assert served.headers["Content-Type"] == content_type
    assert served.headers["X-Content-Type-Options"] == "nosniff"
    assert served.headers["Cache-Control"] == "private, max-age=300"
    assert served.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert int(served.headers["Content-Length"]) == len(served.body) == attributes["size"]
    with Picture.open(BytesIO(served.body)) as seen:
        assert (seen.format, seen.size) == (kind, (40, 20))


def test_who_has_it_already_is_not_sent_it_again(api: Api, place: Place, owner: Person) -> None:
    digest = place.send(picture(), owner.token).json["data"]["attributes"]["digest"]
    first = api.raw("GET", place.path, owner.token)
    assert first.headers["ETag"] == f'"{digest}"'
    again = api.raw("GET", place.path, owner.token, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_int, again.body) == (304, b"")
    other = api.raw("GET", place.path, owner.token, headers={"If-None-Match": '"another"'})
    assert other.status_int == 200
    assert api.raw("HEAD", place.path, owner.token).body == b""


def test_a_second_image_replaces_the_first(app: Flask, world: World, api: Api, place: Place, owner: Person) -> None:
    place.send(picture(colour="red"), owner.token)
    (first,) = world.all(Image)
    place.send(picture(colour="blue"), owner.token)
    (second,) = world.all(Image)
    assert first.digest != second.digest
    served = api.raw("GET", place.path, owner.token).body
    with Picture.open(BytesIO(served)) as seen:
        assert seen.convert("RGB").getpixel((1, 1)) == (0, 0, 255)
    assert not services(app).vault.exists(first.image_object)
    assert [row.name for row in world.all(StoredObject)] == [second.image_object]


@pytest.mark.parametrize(("method", "expected"), [("POST", 200), ("DELETE", 404)])
def test_it_is_read_while_another_one_takes_its_place(
    app: Flask, api: Api, place: Place, owner: Person, *, method: str, expected: int
) -> None:
    place.send(picture(colour="red"), owner.token)

    def meanwhile() -> None:
        if method == "POST":
            place.send(picture(colour="blue"), owner.token)
        else:
            api.delete(place.path, owner.token)

    with after_reading(app, "images", meanwhile):
        answered = api.raw("GET", place.path, owner.token)
    assert answered.status_int == expected
    if expected == 200:
        with Picture.open(BytesIO(answered.body)) as seen:
            assert seen.convert("RGB").getpixel((1, 1)) == (0, 0, 255)


def test_removing_it_leaves_nothing(app: Flask, world: World, api: Api, place: Place, owner: Person) -> None:
    place.send(picture(), owner.token)
    (stored,) = world.all(Image)
    api.delete(place.path, owner.token)
    assert place.url(owner.token) is None
    api.get(place.path, owner.token, expect=404)
    api.delete(place.path, owner.token, expect=404)
    assert world.all(Image) == world.all(StoredObject) == []
    assert not services(app).vault.exists(stored.image_object)


@pytest.mark.parametrize(
    "address", ["/projects/{project}?force=true", "/workspaces/{workspace}", "/organizations/acme"]
)
def test_it_goes_with_what_it_belongs_to(
    app: Flask, world: World, api: Api, owner: Person, project: Project, workspace: Workspace, *, address: str
) -> None:
    for kind in ("icon", "avatar"):
        Place(api, kind, project, workspace).send(picture(), owner.token)
    names = {image.id: image.image_object for image in world.all(Image)}
    api.delete(address.format(project=project.id, workspace=workspace.id), owner.token)
    left = {image.id for image in world.all(Image)}
    for identifier, name in names.items():
        assert services(app).vault.exists(name) == (identifier in left)
    assert len(left) == (1 if "workspaces" in address else 0)


@pytest.mark.one_database
def test_what_is_kept_is_drawn_anew(api: Api, place: Place, owner: Person) -> None:
    exif = Picture.Exif()
    exif[0x010E] = "where the author lives"
    exif[0x0112] = 6  # the camera was held upright
    sent = picture("JPEG", (600, 300), exif=exif, comment=b"a secret") + b"<script>alert(1)</script>"
    assert b"secret" in sent
    place.send(sent, owner.token)
    served = api.raw("GET", place.path, owner.token).body
    assert b"secret" not in served
    assert b"author" not in served
    assert b"script" not in served
    with Picture.open(BytesIO(served)) as seen:
        assert seen.size == (KEPT_SIDE // 2, KEPT_SIDE)
        assert not seen.getexif()


@pytest.mark.one_database
def test_of_a_moving_image_the_first_picture_stays(api: Api, place: Place, owner: Person) -> None:
    frames = [Picture.new("RGB", (8, 8), colour) for colour in ("red", "green", "blue")]
    written = BytesIO()
    frames[0].save(written, "GIF", save_all=True, append_images=frames[1:])
    place.send(written.getvalue(), owner.token)
    with Picture.open(BytesIO(api.raw("GET", place.path, owner.token).body)) as seen:
        assert getattr(seen, "n_frames", 1) == 1
        assert seen.convert("RGB").getpixel((1, 1)) == (255, 0, 0)


@pytest.mark.one_database
@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "I;16", "CMYK"])
def test_every_kind_of_pixel_is_read(place: Place, owner: Person, mode: str) -> None:
    written = BytesIO()
    Picture.new(mode, (9, 9)).save(written, "JPEG" if mode == "CMYK" else "PNG")
    assert place.send(written.getvalue(), owner.token).status_int == 201


def png_that_says(width: int, height: int) -> bytes:
    """A PNG of few bytes whose header says that it is huge."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


NOT_AN_IMAGE = "The content must be a PNG, JPEG, GIF or WebP image"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


@pytest.mark.one_database
@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "not-an-image"),
        (b"\x00" * 100, "not-an-image"),
        (SVG, "not-an-image"),
        (b"<html>" + picture(), "not-an-image"),
        (picture()[:60], "not-an-image"),
        (picture("BMP"), "not-an-image"),
        (picture("TIFF"), "not-an-image"),
        (png_that_says(LARGEST_SIDE + 1, 1), "image-too-large"),
        (png_that_says(5_000, 5_000), "image-too-large"),
        (png_that_says(60_000, 60_000), "image-too-large"),
    ],
    ids=["empty", "zeros", "svg", "html", "cut", "bmp", "tiff", "wide", "big", "bomb"],
)
def test_what_is_no_image_is_refused(world: World, place: Place, owner: Person, content: bytes, code: str) -> None:
    answer = place.send(content, owner.token)
    assert answer.status_int == 422
    (error,) = answer.json["errors"]
    assert error["code"] == code
    if place.kind == "avatar":
        assert error["source"] == {"pointer": "/data/attributes/data"}
    assert world.all(Image) == world.all(StoredObject) == []


@pytest.mark.one_database
def test_the_bounds_of_what_is_sent(place: Place, owner: Person) -> None:
    # What stands behind an image is not looked at; it fills the file to the byte.
    content = picture()
    assert place.send(content + b"\0" * (LARGEST_BYTES - len(content)), owner.token).status_int == 201
    answer = place.send(content + b"\0" * (LARGEST_BYTES - len(content) + 1), owner.token)
    assert answer.status_int == (413 if place.kind == "icon" else 422)


@pytest.mark.one_database
def test_a_side_at_the_limit_is_drawn(place: Place, owner: Person) -> None:
    answer = place.send(picture(size=(LARGEST_SIDE, 2)), owner.token)
    assert answer.status_int == 201
    assert answer.json["data"]["attributes"]["width"] == KEPT_SIDE


@pytest.mark.one_database
@pytest.mark.parametrize(
    ("members", "fault"),
    [
        ({"filename": None}, ("Filename must be a string", "/data/attributes/filename")),
        ({"content-type": 7}, ("Content type must be a string", "/data/attributes/content-type")),
        ({"data": "§"}, ("Data must be base64", "/data/attributes/data")),
        ({"data": 7}, ("Data must be a string", "/data/attributes/data")),
        ({"data": "abc"}, ("Data must be base64", "/data/attributes/data")),
    ],
)
def test_an_avatar_says_what_is_wrong(
    api: Api, workspace: Workspace, owner: Person, members: dict[str, Any], fault: tuple[str, str]
) -> None:
    answer = api.post(f"/workspaces/{workspace.id}/avatar", owner.token, avatar(picture(), **members), expect=422)
    assert [pointer for _, pointer in faults(answer)] == [fault[1]]


@pytest.mark.one_database
def test_an_icon_comes_in_a_icon_form(api: Api, project: Project, owner: Person) -> None:
    path = f"/projects/{project.id}/icon"
    assert api.raw("POST", path, owner.token, avatar(picture())).status_int == 415
    for sent in (icon_form(picture(), field="image"), b"", b"no form"):
        answer = api.raw("POST", path, owner.token, sent, headers=MULTIPART)
        assert answer.status_int == 422
        assert answer.json["errors"][0]["source"] == {"parameter": "icon"}
    twice = icon_form(picture()).removesuffix(f"--{BOUNDARY}--\r\n".encode()) + icon_form(picture())
    assert api.raw("POST", path, owner.token, twice, headers=MULTIPART).status_int == 422


def test_who_may(world: World, acme: Organization, api: Api, place: Place, project: Project) -> None:
    people = {role: world.person() for role in ("viewer", "member", "admin", "owner")}
    for role, person in people.items():
        world.project_member(project, person, role)
    tokens = {role: person.token for role, person in people.items()}
    tokens |= {"nobody": world.member(acme).token, "outsider": world.person().token}
    tokens["token"] = world.project_token(project, "admin")
    sent = {role: place.send(picture(), token).status_int for role, token in tokens.items()}
    assert {role for role, status in sent.items() if status == 201} == {"admin", "owner", "token"}
    assert {status for status in sent.values() if status != 201} == {404}
    seen = {role: api.raw("GET", place.path, token).status_int for role, token in tokens.items()}
    assert {role for role, status in seen.items() if status == 404} == {"nobody", "outsider"}
    removed = {
        r: api.raw("DELETE", place.path, tokens[r]).status_int for r in ("viewer", "member", "outsider", "admin")
    }
    assert removed == {"viewer": 404, "member": 404, "outsider": 404, "admin": 204}
    assert api.raw("GET", place.path).status_int == 401


def test_an_address_and_an_upload_take_turns(api: Api, workspace: Workspace, owner: Person) -> None:
    path = f"/workspaces/{workspace.id}"
    given = {"avatar-url": "https://example.test/a.png"}
    shown = api.patch(path, owner.token, document("workspaces", given))
    assert shown["data"]["attributes"]["avatar-url"] == given["avatar-url"]
    api.post(f"{path}/avatar", owner.token, avatar(picture()))
    assert api.get(path, owner.token)["data"]["attributes"]["avatar-url"] == f"/api/v2{path}/avatar"
    shown = api.patch(path, owner.token, document("workspaces", given))
    assert shown["data"]["attributes"]["avatar-url"] == given["avatar-url"]
    shown = api.patch(path, owner.token, document("workspaces", {"avatar-url": None}))
    assert shown["data"]["attributes"]["avatar-url"] == f"/api/v2{path}/avatar"


def test_each_change_leaves_an_event(world: World, api: Api, place: Place, owner: Person) -> None:
    digest = place.send(picture(), owner.token).json["data"]["attributes"]["digest"]
    api.delete(place.path, owner.token)
    set_, removed = left_by_requests(world)
    assert set_.changes == {place.kind: [None, digest]}
    assert removed.changes == {place.kind: [digest, None]}
    assert {set_.action, removed.action} == {f"{place.at.split('/')[1]}.update"}


def test_what_they_cost(api: Api, place: Place, owner: Person, statements: Statements) -> None:
    place.send(picture(), owner.token)
    # caller, image
    assert cost(statements, api, owner.token, ("GET", place.path, None)) == 2


@pytest.mark.parametrize(
    ("kind", "stated", "fits"),
    [
        ("PNG", "image/png", True),
        ("PNG", "IMAGE/PNG; name=a.png", True),
        ("JPEG", "image/jpg", True),
        ("PNG", "image/jpeg", False),
        ("JPEG", "image/png", False),
        ("GIF", "text/html", False),
        ("WEBP", "image", False),
    ],
)
def test_an_avatar_is_what_it_is_said_to_be(
    api: Api, world: World, acme: Organization, owner: Person, kind: str, stated: str, *, fits: bool
) -> None:
    path = f"/workspaces/{world.workspace(world.project(acme)).id}/avatar"
    sent = avatar(picture(kind), **{"content-type": stated})
    answer = api.post(path, owner.token, sent, expect=201 if fits else 422)
    if not fits:
        [error] = answer["errors"]
        assert error["code"] == "another-image-type"
        assert error["source"] == {"pointer": "/data/attributes/content-type"}
        api.get(path, owner.token, expect=404)
