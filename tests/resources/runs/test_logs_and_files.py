"""Logs as clients read them, and the files that a plan leaves."""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import Engine, select, update

from app.models.log_chunks import CHUNK_BYTES, LogChunk
from app.models.plans import Plan
from app.models.runs import Run
from app.persistence import now
from app.resources.runs.runs.retention import remove_old_plan_files
from app.storage.ledger import StoredObject
from tests.support.background import in_context
from tests.support.runs import ARCHIVE, Runs
from tests.support.states import state


def test_a_log_begins_and_ends_with_its_marks(runs: Runs) -> None:
    run_id = runs.new()
    assert runs.log_of(run_id) == b""
    job = runs.agent.take()
    job.start()
    assert job.log(b"one\n", 0) == {"length": 4}
    assert runs.log_of(run_id) == b"\x02one\n"
    # What overlaps is dropped; after a gap nothing is stored.
    assert job.log(b"one\ntwo\n", 0) == {"length": 8}
    assert job.log(b"four\n", 20) == {"length": 8}
    assert job.log(b"", 8) == {"length": 8}
    assert runs.log_of(run_id, offset=1) == b"one\ntwo\n"
    assert runs.log_of(run_id, offset=9) == b""
    job.finish()
    assert runs.log_of(run_id) == b"\x02one\ntwo\n\x03"
    assert runs.log_of(run_id, offset=9) == b"\x03"
    assert runs.log_of(run_id, offset=10) == b""
    # The apply was never reached: its log is empty and complete.
    assert runs.log_of(run_id, "apply") == b"\x02\x03"


def test_every_range_of_a_log_is_the_same_bytes(runs: Runs) -> None:
    run_id = runs.new()
    job = runs.agent.take()
    job.start()
    sent = bytes(range(256)) * 600
    position = 0
    for size in (1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1):
        position = job.log(sent[position : position + size], position)["length"]
    job.finish()
    whole = b"\x02" + sent[:position] + b"\x03"
    for limit in (7_777, CHUNK_BYTES, 1_000_000):
        read = b""
        while piece := runs.log_of(run_id, offset=len(read), limit=limit):
            assert len(piece) <= limit
            read += piece
        assert read == whole


def test_nothing_of_a_log_is_in_the_database(runs: Runs, engine: Engine) -> None:
    runs.new()
    job = runs.agent.take()
    job.start()
    job.log(b"the password is hunter2" * 10, 0)
    with engine.connect() as connection:
        content = connection.execute(select(LogChunk.content)).scalar_one()
    assert "hunter2" not in content


@pytest.mark.one_database
def test_an_address_of_a_log_is_for_that_log(runs: Runs) -> None:
    run_id = runs.new()
    url = runs.api.get(f"/runs/{run_id}/plan", runs.owner.token)["data"]["attributes"]["log-read-url"]
    path = url.removeprefix("http://localhost")
    assert runs.api.get(f"/runs/{run_id}/plan", runs.owner.token)["data"]["attributes"]["log-read-url"] == url
    assert runs.api.raw("GET", f"{path}x").status_int == 403
    assert runs.api.raw("GET", path.replace("/logs/", "/run-files/")).status_int == 403
    for query in ("offset=-1", "offset=x", "limit=1e3", f"offset={2**41}"):
        refused = runs.api.raw("GET", f"{path}?{query}")
        assert refused.status_int == 400
        assert refused.json["errors"][0]["source"]["parameter"] == query.partition("=")[0]


def test_files_go_from_the_plan_to_the_apply(runs: Runs) -> None:
    runs.new(auto_apply=True)
    plan = runs.agent.take()
    plan.start()
    assert plan.get("configuration") == ARCHIVE
    assert plan.get("state", expect=204) is None
    plan.put("artifacts/plan", b"old")
    plan.put("artifacts/plan", b"the plan")
    plan.put("artifacts/lock-file", b"the lock file")
    plan.put("artifacts/other", b"x", expect=404)
    plan.finish(has_changes=True)
    apply = runs.agent.take()
    assert apply.document["version"] == "1.11.4"
    apply.start()
    assert apply.get("artifacts/plan") == b"the plan"
    assert apply.get("artifacts/lock-file") == b"the lock file"
    apply.get("artifacts/plan-json", expect=404)
    apply.put_state(state(1))
    apply.finish()
    runs.new()
    assert runs.agent.take().get("state") == state(1)


def test_the_json_of_a_plan(runs: Runs) -> None:
    run_id = runs.new()
    plan_id = runs.api.get(f"/runs/{run_id}/plan", runs.owner.token)["data"]["id"]
    job = runs.agent.take()
    job.start()
    paths = {
        f"/plans/{plan_id}/json-output": b'{"a": "secret"}',
        f"/runs/{run_id}/plan/json-output": b'{"a": "secret"}',
        f"/plans/{plan_id}/json-output-redacted": b'{"a": null}',
    }
    for path in paths:
        assert runs.api.raw("GET", path, runs.owner.token).status_int == 204
    job.put("artifacts/plan-json", b'{"a": "secret"}')
    job.put("artifacts/plan-json-redacted", b'{"a": null}')
    job.finish()
    for path, content in paths.items():
        answer = runs.api.raw("GET", path, runs.owner.token)
        assert answer.status_int == 307
        assert runs.api.raw("GET", answer.headers["Location"].removeprefix("http://localhost")).body == content


@pytest.mark.one_database
def test_a_failed_plan_has_no_json(runs: Runs) -> None:
    run_id = runs.new()
    job = runs.agent.take()
    job.start()
    job.finish("failed")
    refused = runs.api.get(f"/runs/{run_id}/plan/json-output", runs.owner.token, expect=422)["errors"][0]
    assert refused["code"] == "plan-without-json-output"


def test_the_files_of_old_plans_are_removed(app: Flask, runs: Runs, engine: Engine) -> None:
    run_id = runs.new()
    job = runs.agent.take()
    job.start()
    for kind in ("plan", "plan-json", "plan-json-redacted", "lock-file"):
        job.put(f"artifacts/{kind}", kind.encode())
    job.finish()
    stored = len(runs.world.all(StoredObject))
    assert in_context(app, remove_old_plan_files) == 0
    long_ago = now() - timedelta(days=31)
    with engine.begin() as connection:
        connection.execute(update(Plan).values(finished_at=long_ago))
        connection.execute(update(Run).values(updated_at=long_ago))
    assert in_context(app, remove_old_plan_files) == 1
    assert in_context(app, remove_old_plan_files) == 0
    assert len(runs.world.all(StoredObject)) == stored - 4
    runs.api.get(f"/runs/{run_id}/plan/json-output", runs.owner.token, expect=404)
    assert runs.log_of(run_id) == b"\x02\x03"
