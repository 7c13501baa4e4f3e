"""Use cases of run triggers: each checks the caller, changes in one transaction and records its event."""

from app.authz.permissions import P
from app.jsonapi.errors import NotFound
from app.models.run_triggers import RunTrigger
from app.models.workspaces import Workspace
from app.resources.runs.run_triggers.listing import RUN_TRIGGERS
from app.resources.runs.run_triggers.operations import SourceNotFound, check_trigger
from app.web.listing import ResourceObject
from app.web.policy import get_for_update, require
from app.web.transaction import insert, record_event, transaction


def create_run_trigger(workspace_id: str, source_id: str) -> ResourceObject:
    """Let the applies of the source start runs of the workspace."""
    with transaction() as session:
        workspace = get_for_update(session, Workspace, workspace_id, P.WORKSPACE_UPDATE)
        require(P.RUN_PLAN, workspace)
        check_trigger(session, workspace, source_id)
        try:
            source = get_for_update(session, Workspace, source_id, P.RUN_READ, share_lock=True)
        except NotFound:
            raise SourceNotFound from None
        if source.organization_id != workspace.organization_id:
            raise SourceNotFound
        trigger = RunTrigger(organization_id=workspace.organization_id, workspace_id=workspace.id, source_id=source.id)
        insert(session, trigger)
        session.flush()
        record_event(session, "run-triggers.create", trigger, {"sourceable": [None, source.id]})
        return RUN_TRIGGERS.get_resource({"id": trigger.id}, session)


def destroy_run_trigger(trigger_id: str) -> None:
    """Stop the source from starting runs of the workspace."""
    with transaction() as session:
        trigger = get_for_update(session, RunTrigger, trigger_id, P.WORKSPACE_UPDATE)
        session.delete(trigger)
        record_event(session, "run-triggers.delete", trigger, {"sourceable": [trigger.source_id, None]})
