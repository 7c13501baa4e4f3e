"""Reading plain tags: those of an organization, those of one workspace."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, ScalarSelect, bindparam, func, select
from sqlalchemy.orm import aliased

from app.authentication.callers import Caller
from app.authz.permissions import P
from app.jsonapi.query import Arguments, text_of
from app.resources.organizations.model import Organization
from app.resources.tag_bindings.model import TagBinding
from app.resources.tags.schema import TagSchema
from app.web.filters import Chosen, Contains
from app.web.listing import Listing

_SAME: Final = aliased(TagBinding)


def _of_the_same_tag(expression: ColumnElement[Any]) -> ScalarSelect[Any]:
    return select(expression).where(_SAME.tag_id == TagBinding.tag_id, _SAME.value == "").scalar_subquery()


def first_of_each(organization_id: str) -> Chosen:
    """Keeps one binding for each plain tag that any workspace of the organization has."""
    return Chosen("first of each tag", _first_of_each, {"tags_in": organization_id})


def _first_of_each() -> Sequence[ColumnElement[bool]]:
    # Grouped once. Asked for each binding, a tag that all workspaces have would be gone through for each of them.
    firsts = (
        select(func.min(_SAME.id))
        .where(_SAME.organization_id == bindparam("tags_in"), _SAME.tag_id.is_not(None), _SAME.value == "")
        .group_by(_SAME.tag_id)
    )
    return [TagBinding.id.in_(firsts)]


@dataclass(frozen=True)
class NotOn:
    """``filter[exclude][taggable][id]``: tags that this workspace does not have."""

    parameter: str = "filter[exclude][taggable][id]"

    @property
    def documented(self) -> Sequence[tuple[str, str]]:
        """See ``Filter``."""
        return [(self.parameter, "A workspace; its tags are left out")]

    def read(self, arguments: Arguments, caller: Caller, organization_id: str | None) -> Chosen | None:  # noqa: ARG002
        """See ``Filter``."""
        text = text_of(arguments, self.parameter)
        return None if text is None else Chosen(self.parameter, self._clauses, {"not_on": text})

    @staticmethod
    def _clauses() -> Sequence[ColumnElement[bool]]:
        there = select(_SAME.tag_id).where(_SAME.workspace_id == bindparam("not_on"))
        return [TagBinding.tag_id.not_in(there)]


TAGS = Listing(
    schema=TagSchema,
    model=TagBinding,
    visible_by=P.ORGANIZATION_READ,
    columns={
        "id": TagBinding.tag_id,
        "organization_id": TagBinding.organization_id,
        "organization_name": Organization.name,
        "name": TagBinding.key,
        "created_at": _of_the_same_tag(func.min(_SAME.created_at)),
        "instance_count": _of_the_same_tag(func.count()),
    },
    joined=TagBinding.__table__.join(Organization.__table__, Organization.id == TagBinding.organization_id),
    order=(TagBinding.key, TagBinding.id),
    filters=(Contains("q", (TagBinding.key,)), NotOn()),
)
