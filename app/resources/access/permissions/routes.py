"""Explanations of permissions over HTTP."""

from flask import Blueprint, Response
from sqlalchemy import select

from app.authentication.callers import Caller
from app.authz.permissions import P
from app.authz.rules import permissions_on
from app.jsonapi.dump import compile_dump
from app.jsonapi.errors import InvalidAttribute, NotFound
from app.jsonapi.schema import load
from app.models.authentication_tokens import AuthenticationToken
from app.models.teams import Team
from app.persistence import AnyRow
from app.resources.access.permissions.explain import Explanation, explain
from app.resources.access.permissions.schema import PermissionExplanationSchema
from app.resources.access.permissions.targets import TARGETS, Target, seen_target
from app.resources.accounts.users.listing import find_user
from app.resources.organizations.access_paths.sources import SEEN_BY
from app.web.answers import resource_response
from app.web.context import caller, caller_with_sources, reader
from app.web.guard import describes, requires
from app.web.policy import denial, mark_policy_checked, organization_or_404, visible
from app.web.requests import body

blueprint = Blueprint("permissions", __name__, url_prefix="/api/v2")

_dump = compile_dump(PermissionExplanationSchema, Explanation._fields)


@blueprint.post("/permissions/explain")
@requires(
    P.USER_READ,
    *SEEN_BY,
    *dict.fromkeys(permission for each in TARGETS.values() for permission in (each.read_by, each.managed_by)),
)
@describes(body=PermissionExplanationSchema, answer=PermissionExplanationSchema, errors=(403, 422))
def explain_permissions() -> Response:
    """Explain what somebody may do on a resource that the caller can see, and through which grants.

    Only callers who manage the people of the resource may ask about others. A source that the caller can't see has no
    id.
    """
    members = load(PermissionExplanationSchema, body())
    type_, identifier = members["resource_id"]
    target = TARGETS[type_]
    row = _resource(type_, identifier)
    wanted = members.get("permission")
    if wanted is not None and wanted not in target.askable:
        raise InvalidAttribute(f"Permission is nothing that counts on {type_}", pointer="/data/attributes/permission")
    subject_type, subject_id = members.get("subject_id") or _oneself()
    subject = _subject(subject_type, subject_id, target, row)
    explained = explain(reader(), subject, target, row, [P(wanted)] if wanted else target.permissions)
    shown_id = row.name if type_ == "organizations" else row.id
    explanation = Explanation(
        id=f"{subject_id}:{shown_id}",
        permission=wanted,
        allowed=all(each["allowed"] for each in explained),
        permissions=explained,
        subject_type=subject_type,
        subject_id=subject_id,
        resource_type=type_,
        resource_id=shown_id,
    )
    return resource_response(_dump(explanation, None))


def _resource(type_: str, identifier: str) -> AnyRow:
    mark_policy_checked(TARGETS[type_].read_by)
    if type_ == "organizations":
        return organization_or_404(identifier, TARGETS[type_].read_by)
    row = seen_target(reader(), TARGETS[type_], identifier)
    if row is None:
        raise NotFound
    return row


def _oneself() -> tuple[str, str]:
    who = caller()
    return ("users", who.user_id) if who.user_id else ("authentication-tokens", str(who.token_id))


def _subject(type_: str, identifier: str, target: Target, row: AnyRow) -> Caller:
    who = caller()
    if (type_, identifier) not in ((who.type, who.id), ("authentication-tokens", who.token_id)):
        if target.managed_by not in permissions_on(who, target.model.grant_columns, row):
            raise denial(target.managed_by)
        _require_seen(type_, identifier)
    found = caller_with_sources(type_, identifier)
    if found is None:
        raise NotFound
    return found


def _require_seen(type_: str, identifier: str) -> None:
    if type_ == "users":
        find_user(identifier)
        return
    model, seen_by = (Team, P.TEAM_READ) if type_ == "teams" else (AuthenticationToken, P.TOKEN_MANAGE)
    key = model.__table__.c.id
    if reader().execute(select(key).where(key == identifier, visible(seen_by, model))).one_or_none() is None:
        raise NotFound
