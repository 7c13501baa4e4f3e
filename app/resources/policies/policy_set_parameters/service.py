"""Use cases of parameters of policy sets: each checks the caller, changes in one transaction, records its event."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.authz.permissions import P
from app.jsonapi.errors import NotFound
from app.models.policies import PolicySet, PolicySetParameter
from app.resources.policies.policy_set_parameters.listing import POLICY_SET_PARAMETERS
from app.resources.policies.policy_set_parameters.operations import check_room, set_members
from app.web.listing import ResourceObject
from app.web.policy import get_for_update
from app.web.transaction import record_event, transaction


def create_parameter(policy_set_id: str, members: dict[str, Any]) -> ResourceObject:
    """Give the policies of a set a value."""
    with transaction() as session:
        policy_set = _lock(session, policy_set_id)
        parameter = PolicySetParameter(organization_id=policy_set.organization_id, policy_set_id=policy_set_id)
        changes = set_members(parameter, members)
        session.add(parameter)
        session.flush()
        check_room(session, policy_set_id)
        changes["policy-set"] = [None, policy_set.name]
        record_event(session, "policy-set-parameters.create", parameter, changes)
        return POLICY_SET_PARAMETERS.get_resource({"id": parameter.id}, session)


def update_parameter(policy_set_id: str, parameter_id: str, members: dict[str, Any]) -> ResourceObject:
    """Change a parameter."""
    with transaction() as session:
        parameter = _find(session, policy_set_id, parameter_id)
        changes = set_members(parameter, members)
        session.flush()
        if changes:
            record_event(session, "policy-set-parameters.update", parameter, changes)
        return POLICY_SET_PARAMETERS.get_resource({"id": parameter_id}, session)


def destroy_parameter(policy_set_id: str, parameter_id: str) -> None:
    """Delete a parameter."""
    with transaction() as session:
        parameter = _find(session, policy_set_id, parameter_id)
        session.delete(parameter)
        record_event(session, "policy-set-parameters.delete", parameter)


def _find(session: Session, policy_set_id: str, parameter_id: str) -> PolicySetParameter:
    _lock(session, policy_set_id)
    key = PolicySetParameter.__table__.c.id
    found = select(PolicySetParameter).where(key == parameter_id, PolicySetParameter.policy_set_id == policy_set_id)
    parameter = session.scalars(found).one_or_none()
    if parameter is None:
        raise NotFound
    return parameter


def _lock(session: Session, policy_set_id: str) -> PolicySet:
    return get_for_update(session, PolicySet, policy_set_id, P.POLICY_MANAGE)
