"""The text of an invitation's page, and who may see it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from flask import Response, url_for
from sqlalchemy import select

from app.authentication.passwords import MAXIMUM_LENGTH, MINIMUM_LENGTH
from app.jsonapi.errors import NotFound
from app.models.environments import Environment
from app.models.invitations import PENDING
from app.resources.access.invitation_pages.blueprint import blueprint
from app.resources.access.invitation_pages.role_descriptions import describe_role
from app.resources.access.invitation_pages.sign_up import is_open
from app.resources.access.invitations.service import get_by_token
from app.resources.accounts.sign_in.browser import signed_in_user
from app.resources.accounts.sign_in.pages import render_page
from app.resources.accounts.users.schema import USERNAME_LENGTH
from app.web.addresses import base_url
from app.web.context import reader, set_caller
from app.web.listing import ResourceObject

# Shown instead of the status if the role was limited to an environment that has been deleted.
GONE = "gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class InvitationText:
    """The values of an invitation that its page shows."""

    status: str
    place: str
    organization: str
    role_or_level: str
    promise: str
    environment: str | None
    cells: list[str] | None
    inviter: str | None
    expires_at: datetime
    api_address: str
    """The API's address of the project or workspace."""
    project: str | None
    workspace: str | None
    host: str | None
    """The host for the terraform CLI; None without https, which the CLI requires."""


def here(token: str) -> str:
    """The address of the page."""
    return url_for(f"{blueprint.name}.show_page", token=token)


def invitation_page(  # noqa: PLR0913 - what the page shows again after a problem
    token: str,
    *,
    status: int = 200,
    problem: str | None = None,
    account: str = "",
    sign_up_problem: str | None = None,
    new_username: str = "",
) -> Response:
    """The page for the person who opens it: forms to sign in or up, the invitation, or that it is for somebody else.

    Before signing in, the page reveals nothing about the invitation, not even whether it exists; afterwards it is shown
    only to the invited user.
    """
    who, action = signed_in_user(), here(token)
    if who is None:
        return render_page(
            "invitation_pages/sign_in",
            status=status,
            action=action,
            problem=problem,
            account=account,
            sign_up=is_open(),
            sign_up_problem=sign_up_problem,
            new_username=new_username,
            password_lengths=(MINIMUM_LENGTH, MAXIMUM_LENGTH),
            username_length=USERNAME_LENGTH,
        )
    set_caller(who.user_id, who.username)
    try:
        text = _invitation_text(get_by_token(token))
    except NotFound as error:
        return render_page("invitation_pages/unknown", status=error.status, action=action, username=who.username)
    return render_page(
        "invitation_pages/invitation",
        status=status,
        action=action,
        problem=problem,
        username=who.username,
        text=text,
    )


def _invitation_text(shown: ResourceObject) -> InvitationText:
    attributes, related = shown["attributes"], shown["relationships"]
    is_project = attributes["project-name"] is not None
    kind = "project" if is_project else "workspace"
    role_or_level = attributes["role" if is_project else "level"]
    environment_id, status = _id_of(related["environment"]), attributes["status"]
    environment = _name_of(environment_id)
    if status == PENDING and environment_id is not None and environment is None:
        status = GONE
    address = urlsplit(base_url())
    return InvitationText(
        status=status,
        place=f"{kind} {attributes[f'{kind}-name']}",
        organization=attributes["organization-name"],
        role_or_level=f"{'role' if is_project else 'level'} {role_or_level}",
        promise=describe_role(
            kind, role_or_level, is_everywhere=environment_id is None and attributes["cell-scopes"] is None
        ),
        environment=environment,
        cells=attributes["cell-scopes"],
        inviter=attributes["invited-by-name"],
        expires_at=datetime.fromisoformat(attributes["expires-at"]),
        api_address=f"{base_url()}/api/v2/{kind}s/{_id_of(related[kind])}",
        project=attributes["project-name"],
        workspace=attributes["workspace-name"],
        host=address.netloc if (address.scheme, address.path) == ("https", "") else None,
    )


def _id_of(related: dict[str, Any]) -> str | None:
    return related["data"]["id"] if related["data"] else None


def _name_of(environment_id: str | None) -> str | None:
    if environment_id is None:
        return None
    name: str | None = reader().execute(select(Environment.name).where(Environment.id == environment_id)).scalar()
    return name
