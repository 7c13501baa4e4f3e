"""Reading tags of one project or workspace or of a page of them, and filtering by tags."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, Text, and_, bindparam, exists, func, or_, select
from sqlalchemy.orm import aliased

from app.authentication.callers import Caller
from app.jsonapi.dump import compile_dump
from app.jsonapi.query import Arguments, tags_of
from app.models.projects import Project
from app.models.tag_bindings import TagBinding
from app.models.workspaces import Workspace
from app.persistence import KeptStatement, in_values, values_param
from app.resources.projects.tag_bindings.schema import EffectiveTagBindingSchema, TagBindingSchema
from app.web.context import reader
from app.web.filters import Filter, FilterClause

ResourceObject = dict[str, Any]

COLUMNS = ("id", "bare_id", "project_id", "workspace_id", "key", "value", "created_at", "is_plain")
_BARE_ID = func.substr(TagBinding.id, len("tb-") + 1).label("bare_id")
_TAGS = select(
    TagBinding.id,
    _BARE_ID,
    TagBinding.project_id,
    TagBinding.workspace_id,
    TagBinding.key,
    TagBinding.value,
    TagBinding.created_at,
    TagBinding.is_plain,
).order_by(TagBinding.key)
_BY_PROJECT = in_values(TagBinding.__table__.c.project_id, values_param("projects"))
_BY_WORKSPACE = in_values(TagBinding.__table__.c.workspace_id, values_param("workspaces"))
_OF_PROJECTS = KeptStatement(_TAGS.where(_BY_PROJECT))
_OF_WORKSPACES = KeptStatement(_TAGS.where(_BY_WORKSPACE))
_OF_BOTH = KeptStatement(_TAGS.where(or_(_BY_WORKSPACE, _BY_PROJECT)))
dump_binding = compile_dump(TagBindingSchema, COLUMNS)
dump_effective = compile_dump(EffectiveTagBindingSchema, COLUMNS)


def tags_of_projects(projects: Sequence[str]) -> Sequence[Row[Any]]:
    """The tags of visible projects, by key, in one statement."""
    return _OF_PROJECTS.all(reader(), {"projects": projects})


def tags_of_workspaces(workspaces: Sequence[str]) -> Sequence[Row[Any]]:
    """The tags of visible workspaces, by key, in one statement."""
    return _OF_WORKSPACES.all(reader(), {"workspaces": workspaces})


def effective_tags(workspaces: Sequence[Row[Any]]) -> Mapping[str, list[ResourceObject]]:
    """The keys and values that count for each of these visible workspaces, by id: its own, then those of its project.

    Plain tags are not among them, for clients that set keys and values would find keys that they have not set. They
    hide what is inherited under their name all the same.
    """
    wanted = {
        "workspaces": [workspace.id for workspace in workspaces],
        "projects": {workspace.project_id for workspace in workspaces},
    }
    # None in the place of a plain tag.
    own: dict[str, dict[str, ResourceObject | None]] = {}
    inherited: dict[str, dict[str, ResourceObject]] = {}
    for tag in _OF_BOTH.all(reader(), wanted):
        shown = dump_effective(tag, None)
        if tag.workspace_id is not None:
            own.setdefault(tag.workspace_id, {})[tag.key] = None if tag.is_plain else shown
        else:
            shown["links"] = {"inherited-from": f"/api/v2/projects/{tag.project_id}"}
            inherited.setdefault(tag.project_id, {})[tag.key] = shown
    found = {}
    for workspace in workspaces:
        here = own.get(workspace.id, {})
        others = (tag for key, tag in inherited.get(workspace.project_id, {}).items() if key not in here)
        found[workspace.id] = [*(tag for tag in here.values() if tag is not None), *others]
    return found


def include_effective_tags(rows: Sequence[Row[Any]], shown: list[ResourceObject]) -> list[ResourceObject]:
    """The effective tags of the page's projects. Also adds their ids to the resource objects."""
    by_project: dict[str, list[ResourceObject]] = {row.id: [] for row in rows}
    for tag in tags_of_projects(list(by_project)):
        by_project[tag.project_id].append(dump_effective(tag, None))
    return linked(by_project, shown)


def include_workspace_tags(rows: Sequence[Row[Any]], shown: list[ResourceObject]) -> list[ResourceObject]:
    """The effective tags of the page's workspaces. Also adds their ids to the resource objects."""
    return linked(effective_tags(rows), shown)


def linked(by_owner: Mapping[str, list[ResourceObject]], shown: list[ResourceObject]) -> list[ResourceObject]:
    """Add the ids of the tags to the resource objects; returns all tags, each once."""
    for resource in shown:
        linkage = [{"id": tag["id"], "type": tag["type"]} for tag in by_owner[resource["id"]]]
        resource["relationships"]["effective-tag-bindings"]["data"] = linkage
    # Workspaces of one project inherit the same tags.
    return list({tag["id"]: tag for tags in by_owner.values() for tag in tags}.values())


Having = Callable[[ColumnElement[bool]], ColumnElement[bool]]
"""The condition that a resource has a tag for which the given condition holds."""


def project_has(wanted: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether a project has such a tag."""
    return exists().where(TagBinding.project_id == Project.id, wanted)


def workspace_has(wanted: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether such a tag counts for a workspace: its own, or the project's if the workspace has none with that key."""
    own = aliased(TagBinding)
    hidden = (
        exists().where(own.workspace_id == Workspace.id, own.key == TagBinding.key).correlate(TagBinding, Workspace)
    )
    return exists().where(
        wanted,
        or_(
            TagBinding.workspace_id == Workspace.id,
            and_(TagBinding.project_id == Workspace.project_id, ~hidden),
        ),
    )


@dataclass(frozen=True)
class Tagged(Filter):
    """``filter[tagged][i][key]`` and ``[value]``: resources that have all of these tags.

    ``filter[tag-union]`` asks for resources with any of them. With ``filter[tag-value-default-null]``, a tag without a
    value in the filter means a tag that has no value.
    """

    parameter: str = "filter[tagged]"
    having: Having = project_has

    @property
    def parameters(self) -> Sequence[tuple[str, str]]:
        """The four parameters that this filter reads."""
        return [
            ("filter[tagged][0][key]", "A tag's key; further tags with 1, 2 and so on, all of which must be there"),
            ("filter[tagged][0][value]", "The tag's value; any value when empty or absent"),
            ("filter[tag-union]", "true: one of the tags is enough"),
            ("filter[tag-value-default-null]", "true: a tag whose value is absent here is one without a value"),
        ]

    def parse(self, arguments: Arguments, _caller: Caller, _organization_id: str | None) -> FilterClause | None:
        """The resource has all of the tags, or one of them."""
        tags = tags_of(arguments)
        if not tags:
            return None
        is_union = arguments.get("filter[tag-union]") == "true"
        if arguments.get("filter[tag-value-default-null]") == "true":
            tags = [(key, value or "") for key, value in tags]
        parameters: dict[str, Any] = {}
        for index, (key, value) in enumerate(tags):
            parameters |= {f"tagged_{index}_key": key, f"tagged_{index}_value": value}
        return FilterClause(
            ("tagged", len(tags), is_union), lambda: self._conditions(len(tags), is_union=is_union), parameters
        )

    def _conditions(self, count: int, *, is_union: bool) -> Sequence[ColumnElement[bool]]:
        found = []
        for index in range(count):
            value = bindparam(f"tagged_{index}_value", type_=Text)
            is_wanted = TagBinding.key == bindparam(f"tagged_{index}_key")
            found.append(self.having(and_(is_wanted, or_(value.is_(None), TagBinding.value == value))))
        return [or_(*found)] if is_union else found
