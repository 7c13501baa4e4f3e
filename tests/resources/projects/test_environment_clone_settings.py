"""Clones of environments: every table and every setting of a workspace is copied, or left out on purpose."""

from typing import Any

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from app.models import Organization, RemoteStateConsumer, SshKey, StateVersion, Workspace
from app.persistence import Base
from app.resources.projects.environments.cloning import BELONGINGS, LINKS, UNLIKE
from tests.support.api import Api, document
from tests.support.world import Person, World

# Not copied, and why.
NOT_COPIED = {
    "state_versions": "a copy has no state",
    "state_version_outputs": "a copy has no state",
    **dict.fromkeys(
        (
            "configuration_versions",
            "runs",
            "plans",
            "applies",
            "comments",
            "run_events",
            "run_jobs",
            "task_stages",
            "policy_evaluations",
            "policy_set_outcomes",
            "task_results",
            "task_result_outcomes",
        ),
        "what was run, was run in the source",
    ),
    "assessment_results": "what was found, was found in the source",
    "run_triggers": "a copy has no runs yet, and those of others are not for it to start",
    "notification_configurations": "who wants to know of the source did not ask for the copy",
    "policy_set_workspace_exclusions": "an exception from policies is made for one workspace",
    "images": "an image is of one workspace",
    "invitations": "who was invited was invited there",
    "activity_events": "what happened, happened to the source",
}
SETTINGS: dict[str, Any] = {
    "cell": "eu",
    "description": "text",
    "auto_apply": True,
    "allow_destroy_plan": False,
    "inherits_project_auto_destroy": False,
    "own_auto_destroy_activity_duration": "3d",
    "own_execution_mode": "agent",
    "file_triggers_enabled": False,
    "global_remote_state": True,
    "queue_all_runs": True,
    "source": "terraform",
    "speculative_enabled": False,
    "structured_run_output_enabled": False,
    "terraform_version": "1.5.0",
    "working_directory": "infra",
    "auto_apply_run_trigger": True,
    "assessments_enabled": True,
    "project_remote_state": True,
    "trigger_prefixes": ["a", "b"],
    "trigger_patterns": ["**/*"],
    "source_name": "Somebody",
    "source_url": "https://example.test",
    "title": "Title",
    "avatar_url": "https://example.test/a.png",
    "iac_tool": "opentofu",
    "has_own_iac_tool": True,
}
LOCK = {"locked": True, "locked_by_type": "users", "locked_by_id": "user-1", "locked_by_name": "ada"}


def test_every_table_of_workspaces_is_copied_or_left_out_on_purpose() -> None:
    tables = {table.name for table in Base.metadata.sorted_tables if "workspace_id" in table.c}
    models: list[type[Base]] = [*BELONGINGS, *LINKS, RemoteStateConsumer]
    copied = {model.__tablename__ for model in models}
    assert tables == copied | set(NOT_COPIED)
    assert not copied & set(NOT_COPIED)


def test_every_setting_is_copied_and_nothing_of_locks_and_states(
    api: Api, world: World, acme: Organization, owner: Person, engine: Engine
) -> None:
    project = world.project(acme)
    source = world.environment(project)
    pool = world.pool(acme)
    key = world.add(SshKey(organization_id=acme.id, name="key", sealed_value="sealed"))
    columns = {column.name for column in Workspace.__table__.columns}
    alike = columns - UNLIKE
    given = {
        **SETTINGS,
        "own_agent_pool_id": pool.id,
        "ssh_key_id": key.id,
        "own_auto_destroy_at": source.created_at,
    }
    assert alike == set(given) | {"organization_id", "project_id"}, "a new column is a setting or not"
    original = world.workspace(
        project, "net", environment_id=source.id, resource_count=3, locked_reason="x", **given, **LOCK
    )
    version = world.state_version(original)
    with Session(engine) as session, session.begin():
        row = session.get_one(Workspace, original.id)
        row.current_state_version_id, row.state_changed_at = version.id, source.created_at
    defaults = {
        name: column.default.arg
        for name, column in Workspace.__table__.columns.items()
        if column.default is not None and column.default.is_scalar
    }
    assert [name for name, value in given.items() if defaults.get(name) == value] == [], "proves nothing"
    sent = document("environments", {"name": "blue"})
    answer = api.post(f"/environments/{source.id}/actions/clone", owner.token, sent)
    [copy] = [each for each in world.all(Workspace) if each.environment_id == answer["data"]["id"]]
    assert {name: getattr(copy, name) for name in given} == given
    assert (copy.organization_id, copy.project_id, copy.name) == (acme.id, project.id, "net-blue")
    assert copy.id.startswith("ws-")
    assert copy.id != original.id
    assert (copy.locked, copy.resource_count) == (False, 0)
    others = UNLIKE - {"id", "name", "environment_id", "created_at", "updated_at", "locked", "resource_count"}
    # A fixed time counts for the copy as well; a duration counts from its first state.
    assert copy.auto_destroy_due_at == source.created_at
    others -= {"auto_destroy_due_at"}
    assert {name: getattr(copy, name) for name in others} == dict.fromkeys(others)
    assert copy.created_at > original.created_at
    assert {each.workspace_id for each in world.all(StateVersion)} == {original.id}
    assert answer["meta"]["workspaces"] == [
        {"id": copy.id, "name": "net-blue", "source-id": original.id, "source-name": "net"}
    ]
