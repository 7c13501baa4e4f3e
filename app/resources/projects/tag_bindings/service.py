"""Use cases of tag bindings, of projects and of workspaces."""

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy.orm import Session

from app.authz.permissions import P
from app.models.projects import Project
from app.models.workspaces import Workspace
from app.resources.projects.tag_bindings.operations import Changes
from app.web.policy import get_for_update
from app.web.transaction import record_event, transaction

Operation = Callable[[Session, Any, Mapping[str, str]], Changes]
"""Adds or replaces the tags of an entity; returns what changed, by key."""


def change_tags(
    model: type[Project | Workspace], identifier: str, permission: P, operation: Operation, tags: Mapping[str, str]
) -> None:
    """Change the tags of the project or workspace with this id, as the operation does."""
    with transaction() as session:
        owner = get_for_update(session, model, identifier, permission)
        changes = operation(session, owner, tags)
        if changes:
            record_event(session, f"{model.__tablename__}.tag", owner, {"tag-bindings": changes})
