"""The version of Terraform or OpenTofu that a new workspace gets: one that its agents have at hand."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from sqlalchemy import ColumnElement, bindparam, case, literal, select
from sqlalchemy.orm import Session

from app.models.agents import BUILT_IN_POOL, Agent, is_alive
from app.models.organizations import Organization
from app.models.projects import Project
from app.persistence import KeptStatement
from app.resources.inheritance.execution_mode import AGENT, LOCAL, MODE_OF_PROJECT, POOL_OF_PROJECT, REMOTE

# Of a pool with more agents, those that were heard of last are asked.
AGENTS: Final = 100
# A number, or several conditions on it, as terraform itself writes them.
_CONDITION = r"(?:=|!=|>=|<=|>|<|~>)? *v?[0-9]+(?:\.[0-9]+){0,2}(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?"
VERSION_PATTERN = rf"latest|{_CONDITION}(?: *, *{_CONDITION})*"
RELEASE: Final = re.compile(r"([0-9]+)\.([0-9]+)\.([0-9]+)")


def usual_version(session: Session, members: Mapping[str, Any], project_id: str) -> dict[str, str]:
    """The newest version that the agents of the workspace's pool have at hand, as its attribute.

    Empty if there is none, or if the workspace runs on the user's machine: then the model's default counts.
    """
    mode = members.get("own_execution_mode")
    if mode == LOCAL:
        return {}
    pools = {AGENT: members.get("own_agent_pool_id"), REMOTE: BUILT_IN_POOL}
    connection = session.connection()
    if mode:
        found = _TOOLS_OF_POOL.all(connection, {"pool": pools[mode]})
    else:
        found = _TOOLS_OF_PROJECT.all(connection, {"project_id": project_id})
    tool = members.get("iac_tool", "terraform")
    newest = newest_at_hand([each.get(tool, []) for (each,) in found])
    return {} if newest is None else {"terraform_version": newest}


def newest_at_hand(versions: Iterable[Iterable[str]]) -> str | None:
    """The newest release that every agent has; the newest that any has, if they have none in common."""
    each = [set(filter(RELEASE.fullmatch, of_agent)) for of_agent in versions]
    found = set.intersection(*each) or set.union(*each) if each else set()
    return max(found, key=lambda version: [int(part) for part in version.split(".")], default=None)


def _pool_of_project() -> ColumnElement[Any]:
    """The pool of the project's workspaces that have no mode of their own; null if they run elsewhere."""
    pool = case((MODE_OF_PROJECT == AGENT, POOL_OF_PROJECT), (MODE_OF_PROJECT == REMOTE, literal(BUILT_IN_POOL)))
    return (
        select(pool)
        .select_from(Project)
        .join(Organization, Organization.id == Project.organization_id)
        .where(Project.id == bindparam("project_id"))
        .scalar_subquery()
    )


_TOOLS: Final = select(Agent.tools).where(is_alive()).order_by(Agent.last_ping_at.desc()).limit(AGENTS)
_TOOLS_OF_POOL: Final = KeptStatement(_TOOLS.where(Agent.pool == bindparam("pool")))
_TOOLS_OF_PROJECT: Final = KeptStatement(_TOOLS.where(Agent.pool == _pool_of_project()))
