"""The rules of policy sets: what they may name."""

from collections.abc import Collection, Mapping
from typing import Any, Final

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from app.jsonapi.errors import InvalidAttribute, Unprocessable
from app.models.policies import (
    PolicySet,
    PolicySetPolicy,
    PolicySetProject,
    PolicySetProjectExclusion,
    PolicySetWorkspace,
    PolicySetWorkspaceExclusion,
)
from app.persistence import in_values

Link = type[
    PolicySetPolicy | PolicySetWorkspace | PolicySetProject | PolicySetWorkspaceExclusion | PolicySetProjectExclusion
]
# The table of each relationship, and its column with the other id.
LINKS: Final[Mapping[str, tuple[Link, str]]] = {
    "policies": (PolicySetPolicy, "policy_id"),
    "workspaces": (PolicySetWorkspace, "workspace_id"),
    "projects": (PolicySetProject, "project_id"),
    "workspace-exclusions": (PolicySetWorkspaceExclusion, "workspace_id"),
    "project-exclusions": (PolicySetProjectExclusion, "project_id"),
}
MOST_POLICIES: Final = 100


class TooManyPoliciesInSet(Unprocessable):
    """The set has as many policies as it can have."""

    code = "too-many-policies-in-set"
    detail = f"A set has at most {MOST_POLICIES} policies"


def check_known(wanted: Collection[str], known: Collection[str], relationship: str, pointer: str) -> None:
    """Refuse ids that the caller can't use: missing, hidden, or of another organization."""
    for index, identifier in enumerate(wanted):
        if identifier not in known:
            type_ = relationship.replace("-exclusions", "s")
            raise InvalidAttribute(
                f"must be {type_} of the organization: {identifier}", pointer=f"{pointer}/{index}/id"
            )


def linked_ids(session: Session, policy_set: PolicySet, relationship: str) -> set[str]:
    """The ids that the relationship has."""
    columns, name = _columns(relationship)
    return set(session.scalars(select(columns[name]).where(columns.policy_set_id == policy_set.id)))


def add_links(session: Session, policy_set: PolicySet, relationship: str, wanted: Collection[str]) -> dict[str, Any]:
    """Add what is not there yet; returns what changed."""
    before = linked_ids(session, policy_set, relationship)
    new = sorted(set(wanted) - before)
    if not new:
        return {}
    table, name = LINKS[relationship]
    session.add_all([table(policy_set_id=policy_set.id, **{name: identifier}) for identifier in new])
    session.flush()
    if relationship == "policies":
        _check_room(session, policy_set)
    return {relationship: [sorted(before), sorted(before | set(new))]}


def remove_links(
    session: Session, policy_set: PolicySet, relationship: str, unwanted: Collection[str]
) -> dict[str, Any]:
    """Remove what is there; returns what changed."""
    before = linked_ids(session, policy_set, relationship)
    gone = before & set(unwanted)
    if not gone:
        return {}
    columns, name = _columns(relationship)
    table = LINKS[relationship][0]
    session.execute(delete(table).where(columns.policy_set_id == policy_set.id, in_values(columns[name], sorted(gone))))
    return {relationship: [sorted(before), sorted(before - gone)]}


def _columns(relationship: str) -> tuple[Any, str]:
    table, name = LINKS[relationship]
    return table.__table__.c, name


def _check_room(session: Session, policy_set: PolicySet) -> None:
    found = select(func.count()).where(PolicySetPolicy.policy_set_id == policy_set.id)
    if (session.scalar(found) or 0) > MOST_POLICIES:
        raise TooManyPoliciesInSet
