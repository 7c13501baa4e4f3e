"""Counting what goes with workspaces, environments and projects."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, false, func, literal, select, union_all
from sqlalchemy.orm import Session

from app.models.authentication_tokens import AuthenticationToken
from app.models.configuration_versions import ConfigurationVersion
from app.models.environments import Environment
from app.models.images import Image
from app.models.invitations import Invitation
from app.models.notification_configurations import NotificationConfiguration
from app.models.project_members import ProjectMember
from app.models.projects import Project
from app.models.repository_links import RepositoryLink
from app.models.run_tasks import WorkspaceTask
from app.models.run_triggers import RunTrigger
from app.models.runs import Run
from app.models.state_versions import StateVersion, StateVersionOutput
from app.models.tag_bindings import TagBinding
from app.models.team_projects import TeamProject
from app.models.team_workspaces import TeamWorkspace
from app.models.vars import Var
from app.models.varsets import Varset
from app.models.workspace_acl_entries import WorkspaceAclEntry
from app.models.workspaces import RemoteStateConsumer, Workspace
from app.persistence import Base

# Rows that are deleted with their workspace. The parts of a run go with the run and are not counted.
OF_WORKSPACES: Final[tuple[type[Base], ...]] = (
    StateVersion,
    StateVersionOutput,
    ConfigurationVersion,
    Run,
    NotificationConfiguration,
    WorkspaceTask,
    TagBinding,
    TeamWorkspace,
    WorkspaceAclEntry,
    Invitation,
    Image,
)
# Rows that are deleted with their project, and the column that names it.
OF_PROJECTS: Final[tuple[tuple[type[Base], str], ...]] = (
    (Environment, "project_id"),
    (ProjectMember, "project_id"),
    (TeamProject, "project_id"),
    (AuthenticationToken, "project_id"),
    (RepositoryLink, "project_id"),
    (Invitation, "project_id"),
    (TagBinding, "project_id"),
    (NotificationConfiguration, "own_project_id"),
    (Image, "project_id"),
)
# In the order of the counts in an answer.
COUNTED: Final[tuple[type[Base], ...]] = (Workspace, *OF_WORKSPACES, RemoteStateConsumer, RunTrigger, Var, Varset)
STATE_BYTES: Final = "state-bytes"
CONFIGURATION_BYTES: Final = "configuration-bytes"
Condition = tuple[type[Base], ColumnElement[bool]]


def type_of(model: type[Base]) -> str:
    """The name of a table's rows in the counts."""
    name: str = model.__tablename__
    return name.replace("_", "-")


def conditions_of(its_workspaces: ColumnElement[bool], its_varsets: ColumnElement[bool]) -> list[Condition]:
    """What goes with these workspaces and variable sets. Each count uses an index; a condition with "or" would not."""
    workspaces = select(Workspace.__table__.c.id).where(its_workspaces)
    varsets = select(Varset.id).where(its_varsets)
    consumers = RemoteStateConsumer.__table__.c
    is_provider = consumers.workspace_id.in_(workspaces)
    triggers = RunTrigger.__table__.c
    is_target = triggers.workspace_id.in_(workspaces)
    return [
        (Workspace, its_workspaces),
        *((model, model.__table__.c.workspace_id.in_(workspaces)) for model in OF_WORKSPACES),
        (RemoteStateConsumer, is_provider),
        (RemoteStateConsumer, consumers.consumer_id.in_(workspaces) & ~is_provider),
        (RunTrigger, is_target),
        (RunTrigger, triggers.source_id.in_(workspaces) & ~is_target),
        (Var, Var.workspace_id.in_(workspaces)),
        (Var, Var.varset_id.in_(varsets)),
        (Varset, its_varsets),
    ]


def count_rows(
    session: Session, conditions: Sequence[Condition], sums: Sequence[Select[Any]] = ()
) -> Mapping[str, int]:
    """How many rows match, by type: one statement. ``sums`` add further numbers under names of their own."""
    counts = [
        select(literal(type_of(model)), func.count()).select_from(model.__table__).where(condition)
        for model, condition in conditions
    ]
    found: Counter[str] = Counter()
    rows: Sequence[Any] = session.execute(union_all(*counts, *sums)).all()
    for name, count in rows:
        found[name] += int(count)
    return found


def count_what_goes(
    session: Session,
    its_workspaces: ColumnElement[bool],
    *,
    project_id: str | None = None,
    further: Sequence[Condition] = (),
) -> dict[str, int]:
    """What is deleted with these workspaces, with the bytes of states and configurations.

    With ``project_id``, the project goes with everything that it has, too. ``further`` rows are counted beside. What is
    named is in the answer, even if there is none of it.
    """
    its_varsets = false() if project_id is None else Varset.project_id == project_id
    conditions = conditions_of(its_workspaces, its_varsets)
    if project_id is not None:
        conditions.append((Project, Project.id == project_id))
        conditions += [(model, model.__table__.c[name] == project_id) for model, name in OF_PROJECTS]
    conditions += further
    workspaces = select(Workspace.__table__.c.id).where(its_workspaces)
    sums = [
        select(literal(name), func.coalesce(func.sum(model.__table__.c.size), 0)).where(
            model.__table__.c.workspace_id.in_(workspaces)
        )
        for name, model in ((STATE_BYTES, StateVersion), (CONFIGURATION_BYTES, ConfigurationVersion))
    ]
    found = count_rows(session, conditions, sums)
    names = dict.fromkeys([*(type_of(model) for model, _ in conditions), STATE_BYTES, CONFIGURATION_BYTES])
    return {name: found[name] for name in names}
