"""In which tests coverage is measured: measuring takes as long again as the test."""

from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
# What they run of the application is another process.
END_TO_END = TESTS / "end_to_end"
# They run hardly a line that no other test runs, in the same ways: with many examples or many rows, at once, or beside
# old tables. ``coverage`` with the file of the test as its context has told which these are.
MEASURED_ELSEWHERE = {
    TESTS / name
    for name in (
        "authz/test_explanations_agree.py",
        "authz/test_two_faces.py",
        "contract/test_fuzz.py",
        "contract/test_openapi.py",
        "guards/test_migrations_keep_what_is_there.py",
        "guards/test_migrations_up_and_down.py",
        "guards/test_mission.py",
        "guards/test_models_equal_migrations.py",
        "guards/test_routes.py",
        "jsonapi/test_query.py",
        "persistence/test_engines.py",
        "persistence/test_identifiers.py",
        "persistence/test_people_and_places_migration.py",
        "persistence/test_sets.py",
        "resources/access/test_invitations_at_scale.py",
        "resources/access/test_owners_at_once.py",
        "resources/access/test_scoped_roles.py",
        "resources/accounts/test_sessions.py",
        "resources/accounts/test_sign_in_attempts.py",
        "resources/organizations/test_agent_pools_open.py",
        "resources/policies/test_policy_costs.py",
        "resources/projects/test_deletions_at_once.py",
        "resources/projects/test_project_deletion.py",
        "resources/projects/test_project_wipes.py",
        "resources/projects/test_projects_list.py",
        "resources/runs/test_configuration_archives.py",
        "resources/runs/test_task_stages.py",
        "resources/runs/test_workspace_notices.py",
        "resources/test_below_a_sub_path.py",
        "resources/test_concurrency.py",
        "resources/test_growing_organizations.py",
        "resources/test_statement_counts.py",
        "resources/workspaces/test_escaped_values.py",
        "resources/workspaces/test_move_workspaces.py",
        "resources/workspaces/test_reachable_workspaces.py",
        "resources/workspaces/test_state_versions_memory.py",
        "resources/workspaces/test_workspaces_list.py",
        "storage/test_ledger_migration.py",
        "storage/test_letting_go.py",
        "web/test_pagination.py",
        "web/test_statement_counts.py",
    )
}


def runs_elsewhere_too(item: pytest.Item) -> bool:
    """Whether other tests run the same code: the same test on SQLite, many simpler ones, or a server of its own."""
    callspec = getattr(item, "callspec", None)
    kind = callspec.params.get("database_kind", "sqlite") if callspec else None
    is_alone = item.get_closest_marker("only_postgresql") or item.get_closest_marker("one_database")
    is_again = kind not in {None, "sqlite"} and not is_alone
    return is_again or item.path in MEASURED_ELSEWHERE or END_TO_END in item.path.parents
