"""Configurations that nobody has used are given up after a while."""

from datetime import timedelta
from typing import Any

from app.models import ActivityEvent, ConfigurationVersion
from app.models.configuration_versions import ARCHIVED, PENDING, UPLOADED
from app.persistence import now
from app.resources.runs.configuration_versions.retention import archive_unused_configurations
from app.storage.ledger import StoredObject
from tests.support.background import in_context
from tests.support.runs import Runs, uploaded_configuration

OLD = now() - timedelta(days=91)
YOUNG = now() - timedelta(days=89)


def statuses(runs: Runs) -> dict[str, str]:
    return {version.id: version.status for version in runs.world.all(ConfigurationVersion)}


def test_what_nobody_has_used_goes(runs: Runs) -> None:
    def add(**members: Any) -> str:
        return uploaded_configuration(runs.app, runs.world, runs.workspace, **members).id

    place = {"organization_id": runs.organization.id, "workspace_id": runs.workspace.id}
    kept = {
        "young": add(created_at=YOUNG - timedelta(hours=1)),
        "with a run": add(created_at=OLD),
        "the latest of another workspace": uploaded_configuration(
            runs.app, runs.world, runs.add_workspace(), created_at=OLD
        ).id,
        "young and without files": runs.world.add(ConfigurationVersion(**place, created_at=YOUNG)).id,
    }
    runs.api.post(
        "/runs",
        runs.owner.token,
        {
            "data": {
                "type": "runs",
                "relationships": {
                    "workspace": {"data": {"type": "workspaces", "id": runs.workspace.id}},
                    "configuration-version": {
                        "data": {"type": "configuration-versions", "id": kept["with a run"]},
                    },
                },
            }
        },
    )
    gone = [add(created_at=OLD), add(created_at=OLD, speculative=True), add(created_at=OLD, provisional=True)]
    forgotten = runs.world.add(ConfigurationVersion(**place, created_at=OLD)).id
    objects = len(runs.world.all(StoredObject))

    assert in_context(runs.app, archive_unused_configurations) == 4
    found = statuses(runs)
    assert forgotten not in found
    assert {found[version] for version in gone} == {ARCHIVED}
    assert {found[version] for version in kept.values()} == {UPLOADED, PENDING}
    assert objects - len(runs.world.all(StoredObject)) == 3, "their archives are gone"
    events = [event for event in runs.world.all(ActivityEvent) if event.actor_type == "services"]
    assert sorted(event.action for event in events) == [
        *["configuration-versions.archive"] * 3,
        "configuration-versions.delete",
    ]
    assert in_context(runs.app, archive_unused_configurations) == 0
