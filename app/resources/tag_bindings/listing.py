"""Reading tags: of one project, of a page of projects, and as a filter."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, Text, bindparam, exists, func, or_, select

from app.authentication.callers import Caller
from app.jsonapi.dump import compile_dump
from app.jsonapi.query import Arguments, tags_of
from app.persistence import among, set_parameter
from app.resources.projects.model import Project
from app.resources.tag_bindings.model import TagBinding
from app.resources.tag_bindings.schema import EffectiveTagBindingSchema, TagBindingSchema
from app.web.context import reader
from app.web.filters import Chosen

COLUMNS = ("id", "bare_id", "project_id", "key", "value", "created_at")
_BARE_ID = func.substr(TagBinding.id, len("tb-") + 1).label("bare_id")
_OF_PROJECTS = (
    select(TagBinding.id, _BARE_ID, TagBinding.project_id, TagBinding.key, TagBinding.value, TagBinding.created_at)
    .where(among(TagBinding.__table__.c.project_id, set_parameter("projects")))
    .order_by(TagBinding.key)
)
dump_binding = compile_dump(TagBindingSchema, COLUMNS)
dump_effective = compile_dump(EffectiveTagBindingSchema, COLUMNS)


def tags_of_projects(projects: Sequence[str]) -> Sequence[Row[Any]]:
    """The tags of visible projects, by key: one statement however many there are."""
    return reader().execute(_OF_PROJECTS, {"projects": projects}).all()


def include_effective_tags(rows: Sequence[Row[Any]], shown: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The effective tags of the page's projects; sets the linkage on the resource objects as well."""
    by_project: dict[str, list[dict[str, Any]]] = {row.id: [] for row in rows}
    for tag in tags_of_projects(list(by_project)):
        by_project[tag.project_id].append(dump_effective(tag, None))
    for resource in shown:
        linkage = [{"id": tag["id"], "type": tag["type"]} for tag in by_project[resource["id"]]]
        resource["relationships"]["effective-tag-bindings"]["data"] = linkage
    return [tag for tags in by_project.values() for tag in tags]


@dataclass(frozen=True)
class Tagged:
    """``filter[tagged][i][key]`` and ``[value]``: projects that have all of the tags."""

    @property
    def documented(self) -> Sequence[tuple[str, str]]:
        """See ``Filter``."""
        return [
            ("filter[tagged][0][key]", "A tag's key; further tags with 1, 2 and so on, all of which must be there"),
            ("filter[tagged][0][value]", "The tag's value; any value when empty or absent"),
        ]

    def read(self, arguments: Arguments, caller: Caller, organization_id: str | None) -> Chosen | None:  # noqa: ARG002
        """See ``Filter``."""
        tags = tags_of(arguments)
        if not tags:
            return None
        parameters: dict[str, Any] = {}
        for index, (key, value) in enumerate(tags):
            parameters |= {f"tagged_{index}_key": key, f"tagged_{index}_value": value}
        return Chosen(("tagged", len(tags)), lambda: [_has(index) for index in range(len(tags))], parameters)


def _has(index: int) -> ColumnElement[bool]:
    value = bindparam(f"tagged_{index}_value", type_=Text)
    return exists().where(
        TagBinding.project_id == Project.id,
        TagBinding.key == bindparam(f"tagged_{index}_key"),
        or_(value.is_(None), TagBinding.value == value),
    )
