"""The official Python SDK, unchanged: notifications and run tasks, with a real worker and a receiver of requests."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytfe import TFEClient
from pytfe.models import (
    ConfigurationVersionCreateOptions,
    NotificationConfigurationCreateOptions,
    NotificationConfigurationListOptions,
    NotificationConfigurationSubscribableChoice,
    NotificationConfigurationUpdateOptions,
    NotificationDestinationType,
    NotificationTriggerType,
    Run,
    RunCreateOptions,
    RunTaskCreateOptions,
    RunTaskRequest,
    RunTaskUpdateOptions,
    Stage,
    TaskResultCallbackRequestOptions,
    TaskResultCallbackStatus,
    TaskResultOutcome,
    TaskResultStatus,
    Workspace,
    WorkspaceRunTaskCreateOptions,
    WorkspaceUpdateOptions,
)

from tests.end_to_end.made import make_workspace
from tests.end_to_end.service import Service, poll_until
from tests.support.receivers import Receiver

pytestmark = pytest.mark.one_database("postgresql")

SECONDS = 30


@pytest.fixture(scope="module")
def service(calling_service: Service) -> Service:
    """The service of these tests."""
    return calling_service


@pytest.fixture
def workspace(tfe: TFEClient, service: Service, tmp_path: Path) -> Iterator[Workspace]:
    """A workspace with a configuration, whose runs the service executes."""
    made = make_workspace(tfe, service.organization, tmp_path.name.replace("_", "-"))
    tfe.workspaces.update_by_id(made.id, WorkspaceUpdateOptions.model_validate({"execution_mode": "remote"}))
    (tmp_path / "main.tf").write_text('output "x" { value = 1 }\n')
    quiet = ConfigurationVersionCreateOptions.model_validate({"auto_queue_runs": False})
    version = tfe.configuration_versions.create(made.id, quiet)
    assert version.upload_url is not None
    tfe.configuration_versions.upload(version.upload_url, str(tmp_path))
    yield made
    tfe.workspaces.delete_by_id(made.id)


def start(tfe: TFEClient, workspace: Workspace) -> Run:
    asked = {"workspace": {"id": workspace.id}, "message": "Go"}
    return tfe.runs.create(RunCreateOptions.model_validate(asked))


def test_notifications(tfe: TFEClient, receiver: Receiver, workspace: Workspace) -> None:
    its = NotificationConfigurationSubscribableChoice(workspace=workspace)
    made = tfe.notification_configurations.create(
        workspace.id,
        NotificationConfigurationCreateOptions(
            destination_type=NotificationDestinationType.GENERIC,
            enabled=True,
            name="ops",
            token="a secret of the receiver",
            url=receiver.url,
            triggers=[NotificationTriggerType.CREATED, NotificationTriggerType.ERRORED],
            subscribable_choice=its,
        ),
    )
    assert made.id is not None
    assert (made.enabled, made.token) == (True, None)
    assert [each.successful for each in made.delivery_responses] == ["true"]
    listed = tfe.notification_configurations.list(
        workspace.id, NotificationConfigurationListOptions(subscribable_choice=its)
    )
    assert [each.id for each in listed] == [made.id]
    assert tfe.notification_configurations.verify(made.id).delivery_responses[0].code == "200"
    renamed = NotificationConfigurationUpdateOptions(name="all")
    assert tfe.notification_configurations.update(made.id, renamed).name == "all"
    assert len(receiver.requests) == 2
    run = start(tfe, workspace)
    poll_until(lambda: len(receiver.requests) == 3, SECONDS, "the notification of the new run")
    told = receiver.requests[-1]
    assert told.json["run_id"] == run.id
    assert [each["trigger"] for each in told.json["notifications"]] == ["run:created"]
    assert len(told.headers["x-tfe-notification-signature"]) == 128
    tfe.runs.cancel(run.id)
    poll_until(lambda: len(receiver.requests) == 4, SECONDS, "the notification of its end")
    tfe.notification_configurations.delete(made.id)


def test_run_tasks(tfe: TFEClient, service: Service, receiver: Receiver, workspace: Workspace) -> None:
    task = tfe.run_tasks.create(
        service.organization, RunTaskCreateOptions(name="costs", url=receiver.url, category="task", hmac_key="secret")
    )
    assert [each.json["access_token"] for each in receiver.requests] == ["test-token"]
    changed = tfe.run_tasks.update(task.id, RunTaskUpdateOptions(name="prices"))
    assert (changed.name, changed.hmac_key) == ("prices", None)
    assert [each.id for each in tfe.run_tasks.list(service.organization)] == [task.id]
    link = tfe.workspace_run_tasks.create(
        workspace.id,
        WorkspaceRunTaskCreateOptions.model_validate(
            {"enforcement-level": "mandatory", "task": task, "stages": [Stage.PRE_PLAN]}
        ),
    )
    assert [each.id for each in tfe.workspace_run_tasks.list(workspace.id)] == [link.id]
    assert [each.id for each in tfe.run_tasks.read(task.id).workspace_run_tasks] == [link.id]
    run = start(tfe, workspace)
    poll_until(lambda: len(receiver.requests) == 2, SECONDS, "the request to the run task")
    asked = RunTaskRequest.model_validate(receiver.requests[-1].json)
    assert (asked.run_id, asked.stage, asked.capabilities.outcomes) == (run.id, "pre_plan", True)
    outcome = TaskResultOutcome.model_validate({"outcome-id": "a", "description": "Cheap", "body": "# Yes"})
    tfe.run_task_integrations.callback(
        asked.task_result_callback_url,
        asked.access_token,
        TaskResultCallbackRequestOptions(
            status=TaskResultCallbackStatus.passed, message="Yes", url="https://task.example.com/", outcomes=[outcome]
        ),
    )
    [stage] = tfe.task_stages.list(run.id)
    result = tfe.task_results.read(asked.task_result_id)
    assert (result.status, result.message) == (TaskResultStatus.passed, "Yes")
    assert (stage.stage, stage.status) == ("pre_plan", "passed")
    assert tfe.runs.read(run.id).status == "plan_queued"
    tfe.runs.cancel(run.id)
    tfe.workspace_run_tasks.delete(workspace.id, link.id)
    tfe.run_tasks.delete(task.id)
