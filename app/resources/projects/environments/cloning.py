"""Copies the workspaces of an environment, with everything that belongs to them except their states.

The database itself reads and writes the copied rows, in one statement for each table, so no value passes through this
process. A sealed value can be copied as it is, because it is sealed for the service, not for its row.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Table, bindparam, func, insert, literal, null, select, union_all
from sqlalchemy.orm import Session

from app.jsonapi.errors import Unprocessable
from app.models.agent_pools import AgentPool, AllowedWorkspace, ExcludedWorkspace
from app.models.environments import Environment
from app.models.policies import PolicySetWorkspace
from app.models.run_tasks import WorkspaceTask
from app.models.tag_bindings import TagBinding
from app.models.team_workspaces import TeamWorkspace
from app.models.vars import Var
from app.models.varsets import VarsetWorkspace
from app.models.workspace_acl_entries import WorkspaceAclEntry
from app.models.workspaces import NAME_LENGTH, RemoteStateConsumer, Workspace
from app.persistence import Base, case_folded, fold_case, in_values, now
from app.web.filters import ESCAPE, containing

AT_ONCE: Final = 5_000
"""How many workspaces a cloned environment may hold."""
BELONGINGS_AT_ONCE: Final = 100_000
"""How many rows may belong to these workspaces together: variables, tags, access, sets, pools."""

# Rows that belong to a workspace and are copied with it. States, images, invitations and pending uploads are not.
BELONGINGS: Final[Sequence[type[Base]]] = (Var, TagBinding, TeamWorkspace, WorkspaceAclEntry, WorkspaceTask)
LINKS: Final[Sequence[type[Base]]] = (VarsetWorkspace, PolicySetWorkspace, AllowedWorkspace, ExcludedWorkspace)
_WORKSPACES: Final = Base.metadata.tables[Workspace.__tablename__]
_CONSUMERS: Final = Base.metadata.tables[RemoteStateConsumer.__tablename__]
# Columns that are not copied: the id, the times, and everything about locks and states.
UNLIKE: Final = frozenset(
    {
        "id",
        "name",
        "environment_id",
        "created_at",
        "updated_at",
        "locked",
        "locked_by_type",
        "locked_by_id",
        "locked_by_name",
        "locked_reason",
        "resource_count",
        "state_changed_at",
        "current_state_version_id",
        "current_run_id",
        "latest_run_id",
        "assessed_at",
        "current_assessment_result_id",
        "last_assessment_result_at",
        "auto_destroy_due_at",
        "auto_destroy_status",
        "auto_destroy_error",
        "auto_destroy_reminded_of",
        "auto_destroy_reminded_hours",
    },
)


class TooManyWorkspaces(Unprocessable):
    """The environment has too many workspaces to be cloned in one request."""

    code = "too-many-workspaces"
    pointer = "/data"
    detail = f"An environment that holds more than {AT_ONCE} workspaces can't be cloned"


class TooManyBelongings(Unprocessable):
    """The workspaces of the environment have too many variables, tags and so on to be cloned in one request."""

    code = "too-many-belongings"
    pointer = "/data"
    detail = (
        f"An environment whose workspaces have more than {BELONGINGS_AT_ONCE} variables, tags, "
        "members, variable sets, policy sets and consumers of their states in all can't be cloned"
    )


def clone_workspaces(session: Session, source: Environment, copy: Environment) -> Sequence[tuple[Workspace, Workspace]]:
    """Copy the workspaces of one environment to another one of the same project; returns pairs of source and copy.

    The caller has locked the source's row against deletion; this function locks its workspaces and the pools that they
    name.
    """
    sources = session.scalars(
        select(Workspace)
        .where(Workspace.environment_id == source.id)
        .order_by(Workspace.id)
        .limit(AT_ONCE + 1)
        .with_for_update(read=True, key_share=True),
    ).all()
    if len(sources) > AT_ONCE:
        raise TooManyWorkspaces
    if not sources:
        return ()
    _check_belongings(session, [each.id for each in sources])
    _keep_pools(session, {each.own_agent_pool_id for each in sources if each.own_agent_pool_id is not None})
    names = free_names([each.name for each in sources], copy.name, _similar_names(session, source, copy.name))
    copies = [_copy(each, copy, name) for each, name in zip(sources, names, strict=True)]
    by_source = {each.id: made.id for each, made in zip(sources, copies, strict=True)}
    _copy_workspaces(session, by_source, copies)
    for model in BELONGINGS:
        _copy_belongings(session, Base.metadata.tables[model.__tablename__], by_source)
    for model in LINKS:
        _copy_links(session, Base.metadata.tables[model.__tablename__], by_source)
    _copy_consumers(session, by_source)
    return list(zip(sources, copies, strict=True))


def _check_belongings(session: Session, source_ids: Sequence[str]) -> None:
    columns = [Base.metadata.tables[model.__tablename__].c.workspace_id for model in (*BELONGINGS, *LINKS)]
    counts = [
        select(func.count().label("n")).where(in_values(column, source_ids))
        for column in (*columns, _CONSUMERS.c.workspace_id)
    ]
    if session.execute(select(func.sum(union_all(*counts).subquery().c.n))).scalar_one() > BELONGINGS_AT_ONCE:
        raise TooManyBelongings


def free_names(names: Iterable[str], environment: str, taken: Iterable[str]) -> list[str]:
    """A name for each copy: the name and that of the environment; if it is taken, with a number at the end.

    Only the first part is cut if the whole is too long. Names that differ only by case count as the same.
    """
    used = {fold_case(name) for name in taken}
    free = []
    for name in names:
        number, suffix = 1, f"-{environment}"
        while fold_case(wanted := name[: NAME_LENGTH - len(suffix)] + suffix) in used:
            number += 1
            suffix = f"-{environment}-{number}"
        used.add(fold_case(wanted))
        free.append(wanted)
    return free


def _similar_names(session: Session, source: Environment, name: str) -> Sequence[str]:
    # Every candidate for the name of a copy contains this, however it was cut.
    similar = case_folded(Workspace.name).like(containing(f"-{name}"), escape=ESCAPE)
    return session.scalars(
        select(Workspace.name).where(Workspace.organization_id == source.organization_id, similar),
    ).all()


def _keep_pools(session: Session, ids: set[str]) -> None:
    # A request that deletes a pool locks it before it checks whether the pool is used.
    if ids:
        pools = select(AgentPool.id).where(in_values(AgentPool.__table__.c.id, ids)).order_by(AgentPool.id)
        session.execute(pools.with_for_update(read=True, key_share=True))


def _copy(source: Workspace, environment: Environment, name: str) -> Workspace:
    """The copy for its event and answer; never in the session, because the database itself inserts the row."""
    return Workspace(
        id=_default_of(_WORKSPACES, "id"),
        organization_id=source.organization_id,
        project_id=source.project_id,
        environment_id=environment.id,
        cell=source.cell,
        name=name,
    )


def _copy_workspaces(session: Session, by_source: Mapping[str, str], copies: Iterable[Workspace]) -> None:
    table, moment = _WORKSPACES, now()
    own: dict[str, Any] = {
        "id": bindparam("copy_id"),
        "name": bindparam("copy_name"),
        "environment_id": bindparam("copy_environment_id"),
        "created_at": literal(moment, table.c.created_at.type),
        "updated_at": literal(moment, table.c.updated_at.type),
        "locked": literal(value=False, type_=table.c.locked.type),
        "resource_count": literal(0, table.c.resource_count.type),
        # A duration counts from the first state, which the copy does not have yet.
        "auto_destroy_due_at": table.c.own_auto_destroy_at,
    }
    own |= {name: null() for name in UNLIKE - own.keys()}
    rows = [
        {"source_id": source_id, "copy_id": copy.id, "copy_name": copy.name, "copy_environment_id": copy.environment_id}
        for source_id, copy in zip(by_source, copies, strict=True)
    ]
    _insert_from_source(session, table, own, rows)


def _copy_belongings(session: Session, table: Table, by_source: Mapping[str, str]) -> None:
    fresh = [name for name in ("id", "created_at", "version_id") if name in table.c]
    own = {name: bindparam(f"copy_{name}", type_=table.c[name].type) for name in (*fresh, "workspace_id")}
    found = session.execute(select(table.c.id, table.c.workspace_id).where(in_values(table.c.workspace_id, by_source)))
    rows = [
        {
            "source_id": row.id,
            "copy_workspace_id": by_source[row.workspace_id],
            **{f"copy_{name}": _default_of(table, name) for name in fresh},
        }
        for row in found
    ]
    _insert_from_source(session, table, own, rows)


def _insert_from_source(
    session: Session, table: Table, own: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]
) -> None:
    """Insert a copy of the row with each ``source_id`` of ``rows``, with other values in the ``own`` columns."""
    if rows:
        values = [own.get(column.name, column) for column in table.columns]
        copied = select(*values).where(table.c.id == bindparam("source_id"))
        session.connection().execute(insert(table).from_select(table.columns.keys(), copied), rows)


def _copy_links(session: Session, table: Table, by_source: Mapping[str, str]) -> None:
    found = session.execute(select(table).where(in_values(table.c.workspace_id, by_source))).mappings()
    rows = [{**row, "workspace_id": by_source[row["workspace_id"]]} for row in found]
    if rows:
        session.connection().execute(insert(table), rows)


def _copy_consumers(session: Session, by_source: Mapping[str, str]) -> None:
    """Copy the remote state consumers of each source. A consumer that was copied too is replaced by its copy.

    The access of the sources to other states is not copied: the managers of those states decide about it.
    """
    found = session.execute(select(_CONSUMERS).where(in_values(_CONSUMERS.c.workspace_id, by_source)))
    rows = [
        {
            "workspace_id": by_source[row.workspace_id],
            "consumer_id": by_source.get(row.consumer_id, row.consumer_id),
        }
        for row in found
    ]
    if rows:
        session.connection().execute(insert(_CONSUMERS), rows)


def _default_of(table: Table, name: str) -> Any:  # noqa: ANN401 - the value of any column
    """A new default value of a column, such as an id or a time."""
    default: Any = table.c[name].default
    return default.arg(None)
