"""The rules of configuration versions: which archive is accepted, and when a version can be archived."""

from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.jsonapi.errors import Conflict, NotFound
from app.jsonapi.fields import format_timestamp
from app.models.configuration_versions import ARCHIVED, PENDING, UPLOADED, ConfigurationVersion, latest_configuration
from app.models.runs import FINAL, Run
from app.models.workspaces import Workspace
from app.persistence import now
from app.persistence.identifiers import random_text
from app.storage.ledger import Stored, attach, mark_for_deletion

# Clients look for these words.
NO_TRANSITION: Final = "transition not allowed"


class AlreadyUploaded(Conflict):
    """The version has another archive already."""

    code = "configuration-uploaded"
    detail = "The configuration version has its files already; create another one for other files"


class NotArchivable(Conflict):
    """The version can't be archived in its status."""

    code = "configuration-not-archivable"


class CurrentConfiguration(Conflict):
    """New runs of the workspace would be made from this version."""

    code = "configuration-current"
    detail = f"{NO_TRANSITION}: configuration could not be archived because it is current"


def object_name(workspace_id: str) -> str:
    """A new name for the store."""
    return f"configurations/{workspace_id}/{random_text(24)}"


def accept_archive(session: Session, version: ConfigurationVersion, archive: Stored, size: int) -> None:
    """Attach the archive to the version, which the caller has locked and which waits for it."""
    attach(session, archive.name)
    version.archive_object, version.archive_key, version.size = archive.name, archive.key, size
    enter_status(version, UPLOADED)
    session.flush()


def enter_status(version: ConfigurationVersion, status: str) -> None:
    """Change the status, and note when."""
    version.status = status
    version.status_timestamps = {**version.status_timestamps, f"{status}-at": format_timestamp(now())}


def find_latest(session: Session, workspace_id: str) -> ConfigurationVersion | None:
    """The version that a run is made from which names none."""
    latest = latest_configuration(workspace_id).scalar_subquery()
    return session.scalars(
        select(ConfigurationVersion).where(ConfigurationVersion.__table__.c.id == latest)
    ).one_or_none()


def archive_version(session: Session, version: ConfigurationVersion) -> None:
    """Give up the archive of a version that no run needs any more. The caller has locked the workspace."""
    if version.status != UPLOADED:
        wanted = "its files have not arrived" if version.status == PENDING else f"it is {version.status}"
        raise NotArchivable(f"{NO_TRANSITION}: the configuration version can't be archived, because {wanted}")
    run_id = session.scalar(
        select(Run.id)
        .where(Run.configuration_version_id == version.id, Run.status.not_in(sorted(FINAL)))
        .order_by(Run.number)
        .limit(1)
    )
    if run_id is not None:
        raise NotArchivable(f"{NO_TRANSITION}: the configuration version can't be archived, because {run_id} needs it")
    latest = find_latest(session, version.workspace_id)
    if latest is not None and latest.id == version.id:
        raise CurrentConfiguration
    columns = ConfigurationVersion.__table__.c
    mark_for_deletion(session, select(columns.archive_object).where(columns.id == version.id))
    version.archive_object = version.archive_key = None
    enter_status(version, ARCHIVED)
    session.flush()


def lock_version(session: Session, workspace_id: str, version_id: str) -> tuple[Workspace, ConfigurationVersion]:
    """The version and its workspace, locked; 404 if they are gone.

    The workspace always comes first, as in everything that changes its runs: another order could deadlock.
    """
    workspace = session.scalars(
        select(Workspace).where(Workspace.__table__.c.id == workspace_id).with_for_update(of=Workspace)
    ).one_or_none()
    columns = ConfigurationVersion.__table__.c
    version = session.scalars(select(ConfigurationVersion).where(columns.id == version_id)).one_or_none()
    if workspace is None or version is None:
        raise NotFound
    return workspace, version
