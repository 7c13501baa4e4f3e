"""Runs for the fuzzer to aim at, in every phase, with an agent that takes their jobs."""

from collections.abc import Callable, Mapping
from typing import Any

from app.models import (
    AssessmentResult,
    PolicyEvaluation,
    PolicySetOutcome,
    Run,
    RunJob,
    TaskResult,
    TaskResultOutcome,
    TaskStage,
    Workspace,
)
from tests.support.api import Api, document
from tests.support.configurations import ARCHIVE
from tests.support.states import put
from tests.support.world import World


class RunTargets:
    """Configurations of a workspace, and runs of another one, made when they are asked for."""

    def __init__(self, world: World, api: Api, workspace: Workspace, token: str) -> None:
        self._world, self._api, self._token = world, api, token
        self._workspace = workspace
        self._known: dict[str, str] = {}

    def of_type(self, type_: str) -> str:
        if type_ not in self._known:
            self._known[type_] = MAKERS[type_](self)
        return self._known[type_]

    def announced(self, workspace: Workspace | None = None) -> Any:
        """A configuration version that waits for its archive."""
        path = f"/workspaces/{(workspace or self._workspace).id}/configuration-versions"
        sent = document("configuration-versions", {"auto-queue-runs": False})
        return self._api.post(path, self._token, sent)["data"]

    def log_ticket(self) -> str:
        shown = self._api.get(f"/plans/{self.of_type('plans')}", self._token)["data"]["attributes"]
        return str(shown["log-read-url"]).rpartition("/")[2]

    def configuration(self) -> str:
        """One whose archive has arrived, and that is not the latest."""
        first, _ = (self._uploaded(self._workspace) for _ in range(2))
        return first

    def _uploaded(self, workspace: Workspace) -> str:
        version = self.announced(workspace)
        put(self._api, version["attributes"]["upload-url"], ARCHIVE)
        return str(version["id"])

    def run(self) -> str:
        return self.run_named("runs")

    def run_named(self, name: str) -> str:
        # Of a workspace of its own, because a run locks it.
        place = {"project_id": self._workspace.project_id, "environment_id": self._workspace.environment_id}
        workspace = self._world.add(
            Workspace(organization_id=self._workspace.organization_id, name=name, own_execution_mode="remote", **place)
        )
        self._uploaded(workspace)
        sent = document("runs", {"message": "hello"}, workspace=("workspaces", workspace.id))
        return str(self._api.post("/runs", self._token, sent)["data"]["id"])

    def job(self) -> str:
        """That of the run's plan."""
        run_id = self.of_type("runs")
        return next(str(each.id) for each in self._world.all(RunJob) if each.run_id == run_id)

    def part(self, relationship: str) -> str:
        run = self._api.get(f"/runs/{self.of_type('runs')}", self._token)["data"]
        return str(run["relationships"][relationship]["data"]["id"])

    def trigger(self) -> str:
        source = self._world.add(
            Workspace(
                organization_id=self._workspace.organization_id,
                name="source",
                project_id=self._workspace.project_id,
                environment_id=self._workspace.environment_id,
            )
        )
        sent = document("run-triggers", sourceable=("workspaces", source.id))
        path = f"/workspaces/{self._workspace.id}/run-triggers"
        return str(self._api.post(path, self._token, sent)["data"]["id"])

    def assessment(self) -> str:
        run_id = self.run_named("assessed")
        run = next(each for each in self._world.all(Run) if each.id == run_id)
        place = {"organization_id": run.organization_id, "workspace_id": run.workspace_id}
        return self._world.add(AssessmentResult(**place, run_id=run_id, succeeded=True)).id

    def comment(self) -> str:
        path = f"/runs/{self.of_type('runs')}/comments"
        return str(self._api.post(path, self._token, document("comments", {"body": "well"}))["data"]["id"])

    def event(self) -> str:
        return str(self._api.get(f"/runs/{self.of_type('runs')}/run-events", self._token)["data"][0]["id"])

    def stage(self) -> str:
        """A stage that waits for somebody's override."""
        run_id = self.run_named("decided")
        run = next(each for each in self._world.all(Run) if each.id == run_id)
        place: dict[str, Any] = {
            "organization_id": self._workspace.organization_id,
            "workspace_id": run.workspace_id,
            "run_id": run_id,
            "status_timestamps": {},
        }
        stage = self._world.add(TaskStage(**place, stage="post_plan", position=1, status="awaiting_override"))
        self._world.add(PolicyEvaluation(**place, task_stage_id=stage.id, status="failed", overridable=True))
        self._world.change(run, status="post_plan_awaiting_decision", stages=["post_plan"])
        return stage.id

    def outcome(self) -> str:
        evaluation_id = self.of_type("policy-evaluations")
        run = next(each for each in self._world.all(Run) if each.stages)
        place = {"organization_id": run.organization_id, "workspace_id": run.workspace_id}
        return self._world.add(
            PolicySetOutcome(
                **place,
                policy_evaluation_id=evaluation_id,
                position=0,
                policy_set_name="closed",
                overridable=True,
                outcomes={"policies": []},
            )
        ).id

    def result(self) -> str:
        """What a run task has said in a stage."""
        stage_id = self.of_type("task-stages")
        stage = next(each for each in self._world.all(TaskStage) if each.id == stage_id)
        self._place = {"organization_id": stage.organization_id, "workspace_id": stage.workspace_id}
        asked = {"task_id": "task-1", "task_name": "costs", "task_url": "https://task.example.test"}
        about = {"run_id": stage.run_id, "task_stage_id": stage_id, "enforcement_level": "mandatory"}
        return self._world.add(TaskResult(**self._place, **asked, **about, status="failed", status_timestamps={})).id

    def finding(self) -> str:
        """One of the reasons for it."""
        found = {"task_result_id": self.of_type("task-results"), "outcome_id": "a", "description": "b", "position": 0}
        return self._world.add(TaskResultOutcome(**self._place, **found)).id

    def evaluation(self) -> str:
        path = f"/task-stages/{self.of_type('task-stages')}/policy-evaluations"
        return str(self._api.get(path, self._token)["data"][0]["id"])


MAKERS: Mapping[str, Callable[[RunTargets], str]] = {
    "applies": lambda targets: targets.part("apply"),
    "assessment-results": RunTargets.assessment,
    "comments": RunTargets.comment,
    "configuration-versions": RunTargets.configuration,
    "plans": lambda targets: targets.part("plan"),
    "policy-evaluations": RunTargets.evaluation,
    "policy-set-outcomes": RunTargets.outcome,
    "run-events": RunTargets.event,
    "run-jobs": RunTargets.job,
    "run-triggers": RunTargets.trigger,
    "runs": RunTargets.run,
    "task-result-outcomes": RunTargets.finding,
    "task-results": RunTargets.result,
    "task-stages": RunTargets.stage,
}
PARAMETERS = {
    "apply_id": "applies",
    "comment_id": "comments",
    "configuration_version_id": "configuration-versions",
    "evaluation_id": "policy-evaluations",
    "job_id": "run-jobs",
    "outcome_id": "policy-set-outcomes",
    "plan_id": "plans",
    "result_id": "assessment-results",
    "run_id": "runs",
    "stage_id": "task-stages",
    "task_result_outcome_id": "task-result-outcomes",
    "task_result_id": "task-results",
    "trigger_id": "run-triggers",
}
