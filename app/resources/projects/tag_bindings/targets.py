"""The types that have tags, and the views that read and set the tags of all of them in the same way."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Response
from sqlalchemy import Row

from app.authz.permissions import P
from app.jsonapi.body import primary_data
from app.jsonapi.dump import Dump
from app.jsonapi.errors import Unprocessable
from app.models.projects import Project
from app.models.workspaces import Workspace
from app.resources.projects.tag_bindings.listing import dump_binding
from app.resources.projects.tag_bindings.operations import add_tags, replace_tags
from app.resources.projects.tag_bindings.schema import read_tags
from app.resources.projects.tag_bindings.service import change_tags
from app.web.answers import document_response, no_content
from app.web.policy import get_visible
from app.web.requests import body


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A type whose resources have tags, and the permissions to add and remove them."""

    model: type[Project | Workspace]
    tags: Callable[[Sequence[str]], Sequence[Row[Any]]]
    path: str
    add: P
    remove: P

    def listed(self, identifier: str, dump: Dump = dump_binding) -> Response:
        """The answer with all of the resource's own tags."""
        get_visible(self.model, identifier)
        return document_response(
            {
                "data": [dump(row, None) for row in self.tags([identifier])],
                "links": self.links(identifier),
            },
        )

    def updated(self, identifier: str) -> Response:
        """Add the tags that were sent; the answer has them in the order sent."""
        tags = sent_tags()
        change_tags(self.model, identifier, self.add, add_tags, tags)
        by_key = {row.key: dump_binding(row, None) for row in self.tags([identifier])}
        return document_response(
            {"data": [by_key[key] for key in tags if key in by_key], "links": self.links(identifier)}
        )

    def added(self, identifier: str) -> Response:
        """Add the tags that were sent."""
        change_tags(self.model, identifier, self.add, add_tags, sent_tags())
        return no_content()

    def replaced(self, identifier: str) -> Response:
        """Replace all tags by those that were sent."""
        change_tags(self.model, identifier, self.remove, replace_tags, sent_tags())
        return no_content()

    def links(self, identifier: str) -> dict[str, str]:
        """The links of a list of its tags."""
        return {"target": f"/api/v2/{self.path}/{identifier}"}


def sent_tags() -> dict[str, str]:
    """The tags in the body of the request."""
    data = primary_data(body())
    if not isinstance(data, list):
        raise Unprocessable("data must be an array", pointer="/data")
    return read_tags(data)
