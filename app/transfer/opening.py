"""Opening both ends of an import: an archive, and an organization of this service."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from flask import Flask
from sqlalchemy import select

from app.backups.encryption import Keys, decrypted
from app.jsonapi.errors import ApiError
from app.jsonapi.schema import load
from app.models.users import User
from app.persistence import case_folded, fold_case
from app.persistence.database import new_session
from app.resources.organizations.organizations.schema import OrganizationSchema
from app.resources.organizations.organizations.service import create_organization
from app.services import Services
from app.transfer.archive import Unpacked, unpack_archive
from app.transfer.client import Api
from app.transfer.inside import Inside, operator
from app.transfer.records import TransferError
from app.transfer.secrets import SealedValues
from app.transfer.side import Side
from app.web.context import act_without_request

# Settings of an organization that mean the same everywhere. A mode that needs agents is left to whoever has some.
CARRIED_SETTINGS: Final = frozenset({"email", "session-timeout", "session-remember", "allow-force-delete-workspaces"})


@contextmanager
def open_archive(path: Path, keys: Keys, state_bytes: int) -> Iterator[Unpacked]:
    """The archive, decrypted and compared with its manifest."""
    try:
        file = path.open("rb")
    except OSError as error:
        raise TransferError(f"{path} can't be read: {error.strerror}.") from error
    with file, decrypted(file, keys) as inner, unpack_archive(inner, state_bytes) as archive:
        yield archive


def target_in(app: Flask, own: Services, organization: str) -> Side:
    """The organization of this service that gets what is imported; a plan can be made before there is one."""
    # Sensitive values that are there are compared, so that importing again changes nothing.
    return Side(Api(Inside(app)), organization, SealedValues(own.engines, own.keyring))


def has_organization(app: Flask, name: str) -> bool:
    """Whether this service has an organization of this name."""
    api = Api(Inside(app))
    return api.find(Side(api, name).path) is not None


def user_named(username: str) -> tuple[str, str]:
    """The id and the e-mail address of the user."""
    with new_session() as session:
        found = session.execute(
            select(User.id, User.email).where(
                case_folded(User.username) == fold_case(username), User.invited_at.is_(None)
            )
        ).one_or_none()
    if found is None:
        raise TransferError(f"There is no user named {username} here.")
    return found.id, found.email


def make_organization(owner_id: str, name: str, attributes: Mapping[str, Any]) -> None:
    """Make an organization with the settings that another service shows of one."""
    known = {each: value for each, value in attributes.items() if each in CARRIED_SETTINGS and value is not None}
    document = {"data": {"type": "organizations", "attributes": {**known, "name": name}}}
    act_without_request(operator())
    try:
        create_organization(owner_id, load(OrganizationSchema, document))
    except ApiError as error:
        raise TransferError(f"The organization {name} can't be made: {error.detail}") from error


def token_in(path: Path) -> str:
    """The token in the first line of the file."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise TransferError(f"{path} can't be read.") from error
    if not lines or not lines[0].strip().isascii() or not lines[0].strip():
        raise TransferError(f"{path} must have a token in its first line.")
    return lines[0].strip()
