"""The attributes and relationships of a run task of a workspace (spec: run tasks)."""

from app.jsonapi.fields import Attribute, Choice, Computed, DateTime, Setting, ToOne
from app.jsonapi.schema import Schema
from app.models.run_tasks import ENFORCEMENT_LEVELS
from app.models.task_stages import STAGES
from app.resources.run_tasks.tasks.schema import read_stages

_STAGES = {"type": "array", "items": {"type": "string", "enum": list(STAGES)}}


class WorkspaceTaskSchema(Schema):
    """That the runs of a workspace ask a run task, and in which stages."""

    class Meta:
        """Its type and address."""

        type_ = "workspace-tasks"
        self_link = "/api/v2/workspaces/{workspace_id}/tasks/{id}"

    id = Attribute()
    enforcement_level = Choice(
        ENFORCEMENT_LEVELS,
        required=True,
        description="`mandatory` if a no stops the run until somebody overrides it, else `advisory`.",
        example="mandatory",
    )
    stage = Choice(STAGES, load_only=True, description="The older form of `stages`, for one of them.")
    shown_stage = Computed(lambda row, _held: row.stages[0], data_key="stage", schema={"type": "string"})
    stages = Setting(
        read_stages,
        schema=_STAGES,
        load_only=True,
        description="When it is asked: `pre_plan`, `post_plan` (the default), `pre_apply`, `post_apply`.",
        example=["post_plan"],
    )
    shown_stages = Computed(lambda row, _held: row.stages, data_key="stages", schema=_STAGES)
    created_at = DateTime(dump_only=True)
    updated_at = DateTime(dump_only=True)

    task = ToOne("tasks", column="task_id", related="/api/v2/tasks/{task_id}", writable=True, required=True)
    workspace = ToOne("workspaces", column="workspace_id", related="/api/v2/workspaces/{workspace_id}")
