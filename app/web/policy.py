"""Asking the policy for the request: every check of a permission goes through here.

Each function notes the permission that was checked. The guard answers 500 if a view that requires permissions checked
none, and the test suite compares the permissions that each route checks with those that it declares.
"""

from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from typing import Any, Final, TypeVar

from flask import g, request
from sqlalchemy import ColumnElement, Row, Select, bindparam, select
from sqlalchemy.orm import Session

from app.authentication.callers import OrganizationRef
from app.authz import rules
from app.authz.grants import EVERYBODY, SITE
from app.authz.permissions import P
from app.authz.policy import Level
from app.jsonapi.errors import ApiError, Forbidden, NotFound, Unauthorized
from app.models.organizations import Organization
from app.persistence import AnyRow, Base, KeptStatement, case_folded, fold_case
from app.web.conditions import ensure_matches
from app.web.context import caller, reader

Entity = TypeVar("Entity", bound=Base)

WANTED_ID: Final = "wanted_id"
"""The parameter of ``row_of``."""

_ORGANIZATION: Final = KeptStatement(
    select(Organization.id, Organization.name).where(case_folded(Organization.name) == bindparam("name"))
)

NOT_AUTHORIZED = "You are not authorized to perform this action"


class PolicyNotAsked(Exception):
    """A view that requires permissions asked for none. Its changes are rolled back, and its answer becomes 500."""


def forget_checks() -> None:
    """Begin an attempt to answer the request: from now on, the view must check some permission."""
    g.permissions_checked = set()


def mark_policy_checked(*permissions: P) -> None:
    """Note that these permissions were checked; for code that asks the policy without the functions below."""
    checked: set[P] | None = g.get("permissions_checked")
    if checked is None:
        checked = g.permissions_checked = set()
    checked.update(permissions)


def ensure_policy_was_asked() -> None:
    """Raise ``PolicyNotAsked`` if the view of this request must check permissions, and has checked none so far."""
    if g.get("permissions_checked") == set():
        raise PolicyNotAsked(request.endpoint)


def checked_permissions() -> frozenset[P]:
    """The permissions that this request has checked so far."""
    return frozenset(g.get("permissions_checked", ()))


def denial(permission: P) -> ApiError:
    """The error for a caller who can see a row but lacks this permission on it: 403 or 404, as the policy says."""
    if rules.refusal(permission) == Forbidden.status:
        return Forbidden(NOT_AUTHORIZED)
    return NotFound()


def is_allowed(permission: P, row: AnyRow, model: type[Base] | None = None) -> bool:
    """Whether the caller has the permission on this entity, or on this row of a listing of ``model``."""
    mark_policy_checked(permission)
    return row is not None and permission in rules.permissions_on(caller(), (model or row).grant_columns, row)


def require(permission: P, row: AnyRow, model: type[Base] | None = None) -> None:
    """Refuse a caller who lacks the permission on the row; see ``is_allowed``."""
    if not is_allowed(permission, row, model):
        raise denial(permission)


def is_allowed_at(permission: P, level: Level, target: str | None) -> bool:
    """Whether the caller was granted the permission at exactly this level and target, or on the whole site."""
    mark_policy_checked(permission)
    return rules.holds_at(caller(), permission, level, target)


def visible(permission: P, model: type[Base]) -> ColumnElement[bool]:
    """The SQL condition that selects the rows of the model on which the caller has the permission."""
    mark_policy_checked(permission)
    return rules.where(caller(), permission, model)


def narrowed(base: Select[Any], permission: P, model: type[Base]) -> tuple[Select[Any], dict[str, Any]]:
    """The statement, limited to the rows of the model on which the caller has the permission; and its parameters.

    ``base`` is a constant of its module, with parameters for whatever differs between requests: it is limited once for
    each set of levels of grants, and reused, so that SQLAlchemy finds what it has compiled.
    """
    mark_policy_checked(permission)
    levels = rules.grant_levels(caller(), permission, model)
    return _narrowed(base, permission, model, levels), rules.visibility_parameters(caller(), permission, levels)


@lru_cache(maxsize=1024)
def _narrowed(base: Select[Any], permission: P, model: type[Base], levels: rules.GrantLevels) -> Select[Any]:
    return base.where(rules.visibility_clause(permission, model, levels))


def get_narrowed(
    base: Select[Any],
    permission: P,
    model: type[Base],
    values: Mapping[str, Any],
    session: Session | None = None,
) -> Row[Any]:
    """The row that the statement finds with these values.

    404 if there is none, or the caller does not have the permission on it. ``base`` is as for ``narrowed``. It is
    read in the transaction of the session, if there is one.
    """
    found, parameters = _kept_for_caller(base, permission, model)
    connection = reader() if session is None else session.connection()
    row: Row[Any] | None = found.one_or_none(connection, {**values, **parameters})
    if row is None:
        raise NotFound
    return row


def find_narrowed(base: Select[Any], permission: P, model: type[Base], values: Mapping[str, Any]) -> Sequence[Row[Any]]:
    """The rows that the statement finds with these values and on which the caller has the permission."""
    found, parameters = _kept_for_caller(base, permission, model)
    return found.all(reader(), {**values, **parameters})


def _kept_for_caller(base: Select[Any], permission: P, model: type[Base]) -> tuple[KeptStatement, dict[str, Any]]:
    mark_policy_checked(permission)
    levels = rules.grant_levels(caller(), permission, model)
    return _kept(base, permission, model, levels), rules.visibility_parameters(caller(), permission, levels)


@lru_cache(maxsize=1024)
def _kept(base: Select[Any], permission: P, model: type[Base], levels: rules.GrantLevels) -> KeptStatement:
    return KeptStatement(_narrowed(base, permission, model, levels))


def require_on_site(permission: P) -> None:
    """Refuse a caller who does not have the permission on the whole site."""
    mark_policy_checked(permission)
    if permission not in caller().grants.at(Level.SITE, SITE):
        raise denial(permission)


def require_public(permission: P) -> None:
    """Refuse a caller who does not have the permission at the public level."""
    mark_policy_checked(permission)
    if permission not in caller().grants.at(Level.PUBLIC, EVERYBODY):
        raise denial(permission)


def require_own(permission: P) -> str:
    """The id of the calling user. Refuses a caller who is not a user, or lacks the permission on their own account."""
    mark_policy_checked(permission)
    user_id = caller().user_id
    if permission not in caller().grants.at(Level.USER, user_id):
        raise denial(permission)
    return str(user_id)


def only_organization(permission: P, model: type[Base]) -> dict[str, str]:
    """The parent of a list of what the caller sees everywhere, if all of it is in one organization.

    Many callers see one whole organization and nothing else; for them the organization's index is used.
    """
    reached = caller().grants.targets(Level.ORGANIZATION, permission)
    is_only = rules.grant_levels(caller(), permission, model) == (Level.ORGANIZATION,) and len(reached) == 1
    return {"organization_id": reached[0]} if is_only else {}


def organization_or_404(name: str, permission: P) -> OrganizationRef:
    """The organization with this name, if the caller has the permission in it. Takes no statement for a member."""
    mark_policy_checked(permission)
    who = caller()
    key = fold_case(name)
    if key in who.closed:
        raise Unauthorized
    organization = who.organizations.get(key) or _organization_on_site(key)
    if organization is None:
        raise NotFound
    if not rules.holds_at(who, permission, Level.ORGANIZATION, organization.id):
        raise denial(permission)
    return organization


def _organization_on_site(name: str) -> OrganizationRef | None:
    # Only a caller with grants on the whole site can use an organization that they don't belong to.
    if P.ORGANIZATION_READ not in caller().grants.at(Level.SITE, SITE):
        return None
    row = _ORGANIZATION.one_or_none(reader(), {"name": name})
    return OrganizationRef(row.id, row.name) if row else None


@cache
def _locked(model: type[Base], others: tuple[str, ...], *, share_lock: bool) -> Select[Any]:
    columns = model.__table__.c
    return (
        select(model)
        .where(columns.id == bindparam(WANTED_ID), *(columns[name] == bindparam(name) for name in others))
        .with_for_update(of=model, read=share_lock, key_share=share_lock)
    )


def get_visible(model: type[Base], identifier: str, visible_by: P | None = None) -> Row[Any]:
    """The row of the table with this id, read without a lock; 404 if there is none, or the caller can't see it.

    ``visible_by`` replaces the model's permission, for a view that shows less.
    """
    return get_narrowed(row_of(model), visible_by or model.visible_by, model, {WANTED_ID: identifier})


@cache
def row_of(model: type[Base], *names: str) -> Select[Any]:
    """Read the row with the id in the parameter ``WANTED_ID``: all columns of its table, or those of these names.

    It has the columns that the policy asks for as well.
    """
    columns = model.__table__.c
    wanted = dict.fromkeys([*(names or columns.keys()), *model.grant_columns.values()])
    found = (columns[name] if name in columns else getattr(model, name).label(name) for name in wanted)
    return select(*found).where(columns.id == bindparam(WANTED_ID))


@cache
def _locked_row_of(model: type[Base], *, share_lock: bool) -> Select[Any]:
    return row_of(model).with_for_update(of=model, read=share_lock, key_share=share_lock)


def lock_row(  # noqa: PLR0913 - what, and how it is locked
    session: Session,
    model: type[Base],
    identifier: str,
    permission: P,
    *,
    visible_by: P | None = None,
    share_lock: bool = False,
) -> Row[Any]:
    """The row that ``get_for_update`` finds and locks, as plain columns: loading an entity takes longer."""
    seen_by: P = visible_by or model.visible_by
    mark_policy_checked(permission)
    row = get_narrowed(_locked_row_of(model, share_lock=share_lock), seen_by, model, {WANTED_ID: identifier}, session)
    require(permission, row, model)
    ensure_matches(session)
    return row


def get_for_update(  # noqa: PLR0913 - what, whose, and how it is locked
    session: Session,
    model: type[Entity],
    identifier: str,
    permission: P,
    *,
    visible_by: P | None = None,
    share_lock: bool = False,
    where: Mapping[str, str] | None = None,
) -> Entity:
    """The row that the request is about to change, locked until the transaction ends.

    404 if it does not exist or the caller can't see it. The permission to see it is the model's ``visible_by``, unless
    the view names another one. If the caller can see it but lacks the ``permission``, the status is the policy's.

    With ``share_lock``, other transactions may change the row meanwhile but not delete it. ``where`` has values that
    the row must have in other columns, such as the ids of the parents in the address.
    """
    seen_by: P = visible_by or model.visible_by
    mark_policy_checked(permission)
    others = where or {}
    found, parameters = narrowed(_locked(model, tuple(others), share_lock=share_lock), seen_by, model)
    entity: Entity | None = session.scalars(found, {WANTED_ID: identifier, **others, **parameters}).one_or_none()
    if entity is None:
        raise NotFound
    if not rules.holds(caller(), permission, entity):
        raise denial(permission)
    ensure_matches(session)
    return entity
