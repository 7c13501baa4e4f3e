"""Reading plain tags of an organization or of one workspace."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, bindparam, func, select
from sqlalchemy.orm import aliased

from app.authentication.callers import Caller
from app.authz import rules
from app.authz.permissions import P
from app.jsonapi.query import Arguments, text_of
from app.models.organizations import Organization
from app.models.tag_bindings import TagBinding
from app.models.workspaces import Workspace
from app.resources.workspaces.tags.schema import TagSchema
from app.web.context import caller
from app.web.filters import Contains, Filter, FilterClause
from app.web.listing import Counted, Listing

_SAME: Final = aliased(TagBinding)


def _of_the_same_tag(what: ColumnElement[Any]) -> Counted:
    same = and_(_SAME.tag_id == TagBinding.tag_id, _SAME.value == "")
    return Counted(P.WORKSPACE_READ, Workspace, same, linked=_SAME, what=what)


def first_of_each(organization_id: str) -> FilterClause:
    """A filter that keeps one binding for each plain tag of the organization's workspaces that the caller sees."""
    levels, parameters = _visibility(caller(), organization_id)
    return FilterClause(
        ("first of each tag", levels),
        lambda: _first_of_each(levels),
        {"tags_in": organization_id, **parameters},
    )


def _first_of_each(levels: rules.GrantLevels) -> Sequence[ColumnElement[bool]]:
    # Grouped once. A condition on each binding would read a tag that all workspaces have once per workspace.
    firsts = (
        select(func.min(_SAME.id))
        .where(
            _SAME.organization_id == bindparam("tags_in"),
            _SAME.tag_id.is_not(None),
            _SAME.value == "",
            *_on_seen(levels),
        )
        .group_by(_SAME.tag_id)
    )
    return [TagBinding.id.in_(firsts)]


def _visibility(who: Caller, organization_id: str | None) -> tuple[rules.GrantLevels, dict[str, Any]]:
    levels = rules.grant_levels(who, P.WORKSPACE_READ, Workspace, organization_id)
    return levels, rules.visibility_parameters(who, P.WORKSPACE_READ, levels)


def _on_seen(levels: rules.GrantLevels) -> Sequence[ColumnElement[bool]]:
    """The condition that a binding is on a workspace that the caller sees; none for a caller who sees all of them."""
    if levels == rules.EVERYTHING:
        return ()
    seen = select(Workspace.id).where(rules.visibility_clause(P.WORKSPACE_READ, Workspace, levels))
    return (_SAME.workspace_id.in_(seen),)


@dataclass(frozen=True)
class NotOn(Filter):
    """``filter[exclude][taggable][id]``: tags that this workspace does not have, if the caller sees it."""

    parameter: str = "filter[exclude][taggable][id]"
    description = "A workspace; its tags are left out"

    def parse(self, arguments: Arguments, caller: Caller, organization_id: str | None) -> FilterClause | None:
        """The tag is not among those of the workspace."""
        text = text_of(arguments, self.parameter)
        if text is None:
            return None
        levels, parameters = _visibility(caller, organization_id)
        return FilterClause((self.parameter, levels), lambda: self._conditions(levels), {"not_on": text, **parameters})

    @staticmethod
    def _conditions(levels: rules.GrantLevels) -> Sequence[ColumnElement[bool]]:
        there = select(_SAME.tag_id).where(_SAME.workspace_id == bindparam("not_on"), *_on_seen(levels))
        return [TagBinding.tag_id.not_in(there)]


TAGS = Listing(
    schema=TagSchema,
    model=TagBinding,
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

# Clients search the tags of a workspace with another parameter than the tags of an organization.
WORKSPACE_TAGS = replace(TAGS, filters=(*TAGS.filters, Contains("name", (TagBinding.key,))))
