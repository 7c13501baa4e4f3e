"""The instances of resources from state to state: since when each is there, and which version changed it last.

A version has a list with an item for each instance: the index of its resource in ``resources``, its own index (a
number, a text or null), a digest of its contents, when it appeared, when it last changed, and the version that changed
it. Only the newest versions of a workspace keep it.

The list stands in clear beside the sealed state. So its digests have a key: without the secret of the service, nobody
can check a guess of what an instance contains. With another secret, all instances count as changed once.
"""

import hashlib
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from sqlalchemy import bindparam, update
from sqlalchemy.orm import Session

from app.jsonapi.fields import format_timestamp
from app.models.state_versions import StateVersion
from app.persistence import AnyRow, Base, KeptStatement
from app.resources.workspaces.state_versions.state_contents import Summary
from app.web.signatures import derive_key

Key = tuple[Any, ...]


class Instance(NamedTuple):
    """An item of the list."""

    resource: int
    name_index: int | str | None
    digest: str
    created_at: str | None
    updated_at: str | None
    version_id: str


def follow_instances(version: AnyRow, previous: AnyRow, summary: Summary) -> list[Instance]:
    """The list for the version; what has not changed since the previous one keeps its times and version."""
    before = dict(_by_key(previous)) if previous is not None else {}
    moment = format_timestamp(version.created_at)
    key = derive_key(f"instances {version.workspace_id}")
    followed = []
    for resource, index, plain in summary.instances:
        digest = hashlib.blake2b(plain.encode(), digest_size=8, key=key).hexdigest()
        known = before.get(_key(summary.resources[resource], index))
        if known is None:
            followed.append(Instance(resource, index, digest, moment, moment, version.id))
        elif known.digest != digest:
            followed.append(Instance(resource, index, digest, known.created_at, moment, version.id))
        else:
            followed.append(known._replace(resource=resource))
    return followed


_COLUMNS: Final = StateVersion.__table__.c
_FORGET: Final = KeptStatement(
    update(Base.metadata.tables[StateVersion.__tablename__])
    .where(
        _COLUMNS.workspace_id == bindparam("of_workspace"),
        _COLUMNS.instances.is_not(None),
        _COLUMNS.id.not_in([bindparam("kept"), bindparam("current")]),
    )
    .values(instances=None)
)


def forget_instances(session: Session, workspace: AnyRow, kept: str) -> None:
    """Empty the lists of older versions, which nobody asks for any more."""
    current = workspace.current_state_version_id or kept
    _FORGET.write(session.connection(), {"of_workspace": workspace.id, "kept": kept, "current": current})


def _by_key(version: AnyRow) -> Iterator[tuple[Key, Instance]]:
    resources = version.resources or []
    for item in version.instances or []:
        instance = Instance(*item)
        yield _key(resources[instance.resource], instance.name_index), instance


def _key(resource: dict[str, Any], index: int | str | None) -> Key:
    # A number is another index than the same digits as a text.
    return resource["module"], resource["type"], resource["name"], index
