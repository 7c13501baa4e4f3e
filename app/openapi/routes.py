"""The routes of an application with the declarations of their views."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Flask
from werkzeug.routing import Rule

from app.authz.permissions import P
from app.console.blueprint import blueprint as console
from app.openapi.docstrings import text_of
from app.resources.access.invitation_pages.blueprint import blueprint as invitation_pages
from app.resources.accounts.sign_in.blueprint import blueprint as sign_in
from app.web.documentation import blueprint as documentation
from app.web.guard import Operation, answers_jsonapi
from app.web.requests import WRITE_METHODS

NOT_THE_API = {console.name, documentation.name, invitation_pages.name, sign_in.name}
JSONAPI = ("/api/v2/", "/api/registry/")
"""Below these addresses the service speaks JSON:API; elsewhere it answers with plain JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One method of one address."""

    path: str
    method: str
    name: str
    blueprint: str
    operation: Operation
    permissions: Sequence[P]
    is_anonymous: bool
    """Whether it also accepts callers without a token."""
    is_readable: bool
    """Whether there is a document to read at the same address."""
    text: str

    @property
    def tag(self) -> str:
        """The group that the operation belongs to."""
        return self.blueprint.replace("_", "-")

    @property
    def parameters(self) -> list[str]:
        """The names of the variable parts of its address."""
        return re.findall(r"\{(\w+)\}", self.path)

    @property
    def is_guarded(self) -> bool:
        """Whether it requires a token."""
        return bool(self.permissions)

    @property
    def is_changing(self) -> bool:
        """Whether it can change anything, and therefore requires the media type."""
        return self.method.upper() in WRITE_METHODS

    @property
    def is_jsonapi(self) -> bool:
        """Whether it answers with a JSON:API document."""
        return self.path.startswith(JSONAPI) and not self.operation.is_plain


def routes_of(app: Flask) -> list[Route]:
    """Every route of the API, by address, without the pages for people and OAuth's addresses."""
    rules = [rule for rule in app.url_map.iter_rules() if rule.endpoint.partition(".")[0] not in NOT_THE_API]
    readable = {
        rule.rule for rule in rules if "GET" in methods_of(rule) and answers_jsonapi(app.view_functions[rule.endpoint])
    }
    return [
        _route(rule, method, app.view_functions[rule.endpoint], is_readable=rule.rule in readable)
        for rule in sorted(rules, key=lambda rule: (rule.rule, rule.endpoint))
        for method in methods_of(rule)
    ]


def methods_of(rule: Rule) -> list[str]:
    """The methods of a rule that a view answers; HEAD is Flask's own."""
    return sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})


def _route(rule: Rule, method: str, view: Callable[..., Any], *, is_readable: bool) -> Route:
    is_shared = len(methods_of(rule)) > 1
    return Route(
        path=re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule),
        method=method.lower(),
        # A view with several methods is one operation for each, and each needs its own name.
        name=f"{rule.endpoint}.{method.lower()}" if is_shared else rule.endpoint,
        blueprint=rule.endpoint.rpartition(".")[0],
        operation=getattr(view, "operation"),  # noqa: B009 - set by a decorator, unknown to the type
        permissions=getattr(view, "permissions"),  # noqa: B009 - likewise
        is_anonymous=getattr(view, "anonymous", False),
        is_readable=is_readable,
        text=text_of(view),
    )
