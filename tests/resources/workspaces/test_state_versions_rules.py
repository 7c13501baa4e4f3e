"""What a new state must agree with: the lock, the MD5, the lineage and the serial, in this order."""

from typing import Any

import pytest

from app.models import Organization, Project
from tests.support import states as support
from tests.support.api import document, faults
from tests.support.states import States, announcement, md5, state
from tests.support.world import World

NOT_LOCKED = "This workspace is not locked and will only accept state uploads when locked"
WRONG_MD5 = "The MD5 parameter passed does not match the MD5 of the provided state"
LINEAGE = (
    "The lineage provided in the state file does not match the value currently known by Terraform Cloud. "
    "This means that the provided state is most likely not related to the target workspace. "
    "Check that the backend configuration is correct and try again."
)
LOWER = (
    "The serial provided in the state file is not greater than the serial\n"
    "currently known remotely. This means that there may be an update performed\n"
    "since your version of that state. Update to the latest state to resolve\n"
    "conflicts and try again"
)
SAME_SERIAL = "The MD5 hash of the state provided does not match what is currently known for the same serial number"
PATCH = {"data": {"type": "state-versions"}}
BOTH = pytest.mark.parametrize("is_inline", [False, True], ids=["upload", "inline"])


def own_project(world: World) -> Project:
    found: Project = next(each for each in world.all(Project) if not each.is_default)
    return found


@BOTH
def test_an_unlocked_workspace_takes_no_state(states: States, *, is_inline: bool) -> None:
    assert faults(states.create(state(), is_inline=is_inline, expect=409)) == [(NOT_LOCKED, "")]


@BOTH
def test_nor_does_one_that_somebody_else_has_locked(
    states: States, world: World, acme: Organization, *, is_inline: bool
) -> None:
    other = world.owner(acme)
    states.lock()
    theirs = States(states.api, states.workspace, other.token)
    [(detail, _)] = faults(theirs.create(state(), is_inline=is_inline, expect=409))
    assert detail.startswith("This workspace is locked by User ")
    assert detail.endswith(" and will only accept state uploads from them while locked.")


def test_the_lock_is_asked_before_the_content(states: States) -> None:
    assert faults(states.inline(b'{"serial": 1, "lineage": ""}', md5=md5(b"other"), expect=409)) == [(NOT_LOCKED, "")]


def test_members_are_asked_before_the_lock(states: States) -> None:
    states.create(state(), serial="1", expect=422)


def test_an_inline_state_matches_its_md5(states: States) -> None:
    states.lock()
    assert faults(states.inline(state(), md5=md5(b"other"), expect=409)) == [(WRONG_MD5, "")]


def test_the_md5_may_have_capital_letters(states: States) -> None:
    states.lock()
    states.inline(state(), md5=md5(state()).upper())


@BOTH
def test_another_lineage_is_refused(states: States, *, is_inline: bool) -> None:
    states.save(state(1))
    states.lock()
    other = state(2, lineage="other")
    assert faults(states.create(other, is_inline=is_inline, expect=409)) == [(LINEAGE, "")]
    # Lineage comes before the serial.
    assert faults(states.create(state(0, lineage="other"), is_inline=is_inline, expect=409)) == [(LINEAGE, "")]
    states.create(other, is_inline=is_inline, force=True)


@BOTH
@pytest.mark.parametrize("left_out", [None, ""])
def test_the_lineage_of_the_state_counts_where_none_was_announced(
    states: States, left_out: str | None, *, is_inline: bool
) -> None:
    states.save(state(1))
    states.lock()
    other = state(2, lineage="other")
    if is_inline:
        assert faults(states.inline(other, lineage=left_out, expect=409)) == [(LINEAGE, "")]
    else:
        version = states.create(other, lineage=left_out)
        assert faults(states.put(version, other, expect=409).json) == [(LINEAGE, "")]
        assert states.show(version)["data"]["attributes"]["status"] == "discarded"
    for serial, forced in ((2, False), (3, True)):
        content = state(serial, lineage="other" if forced else support.LINEAGE)
        version = states.create(content, lineage=left_out, force=forced, is_inline=is_inline)
        if not is_inline:
            states.put(version, content)
    # It is known from then on.
    assert faults(states.create(state(4), is_inline=is_inline, expect=409)) == [(LINEAGE, "")]


@pytest.mark.one_database
@BOTH
def test_a_serial_above_that_of_the_state_is_refused_with_both(states: States, *, is_inline: bool) -> None:
    text = (
        "Serial is 50, but the serial in the state is 1; send the one in the state, "
        "or nobody could store the next state"
    )
    states.lock()
    if is_inline:
        assert faults(states.inline(state(1), serial=50, expect=422)) == [(text, "/data/attributes/serial")]
    else:
        version = states.create(state(1), serial=50)
        assert faults(states.put(version, state(1), expect=422).json) == [(text, "")]
    # go-tfe's own tests send a lower one.
    version = states.create(state(9), serial=1, is_inline=is_inline)
    if not is_inline:
        states.put(version, state(9))
    states.unlock()
    assert states.current()["data"]["attributes"]["serial"] == 1
    # A state without a serial has any.
    states.lock()
    states.inline(state(None), serial=7)


@BOTH
def test_a_state_older_than_the_newest_is_refused_whatever_serial_was_sent(states: States, *, is_inline: bool) -> None:
    def send(content: bytes, serial: int, *, is_stale: bool = False, **members: bool) -> Any:
        if is_inline:
            return states.inline(content, serial=serial, expect=412 if is_stale else 201, **members)
        version = states.create(content, serial=serial, **members)
        answer = states.put(version, content, expect=412 if is_stale else 200)
        return answer.json if is_stale else version

    states.lock()
    first = send(state(9), 2)
    assert faults(send(state(3), 3, is_stale=True)) == [(LOWER, "")]
    # The refused one doesn't keep the workspace locked, and go-tfe's own tests send one state with several serials.
    states.unlock()
    states.lock()
    send(state(9), 3)
    assert roll_back(states, first["data"]["id"])["data"]["attributes"]["serial"] == 10
    send(state(11), 11)
    # A caller who forces it may go back.
    send(state(4), 4, force=True)
    states.unlock()
    assert states.current()["data"]["attributes"]["serial"] == 4


@BOTH
def test_a_lower_serial_is_refused(states: States, *, is_inline: bool) -> None:
    states.save(state(5))
    states.lock()
    answer = states.create(state(4), is_inline=is_inline, expect=412)
    assert answer["errors"][0]["title"] == "Precondition Failed"
    assert faults(answer) == [(LOWER, "")]
    states.create(state(4), is_inline=is_inline, force=True)


@BOTH
def test_the_same_serial_with_another_content_is_refused(states: States, *, is_inline: bool) -> None:
    states.save(state(5))
    states.lock()
    assert faults(states.create(state(5, resources=2), is_inline=is_inline, expect=409)) == [(SAME_SERIAL, "")]
    states.create(state(5, resources=2), is_inline=is_inline, force=True)


@BOTH
def test_the_same_state_again_is_no_conflict(states: States, *, is_inline: bool) -> None:
    content = state(5)
    states.save(content)
    states.lock()
    again = states.create(content, is_inline=is_inline)
    if not is_inline:
        states.put(again, content)
    states.unlock()
    assert states.fetched(states.current()) == content


def test_states_within_one_lock_follow_each_other(states: States) -> None:
    states.lock()
    states.inline(state(2))
    states.create(state(1), expect=412)
    states.inline(state(3))
    states.unlock()
    assert states.current()["data"]["attributes"]["serial"] == 3


# --- pending ------------------------------------------------------------------------------------------------------


def test_a_pending_version_holds_up_the_unlock(states: States) -> None:
    content = state()
    states.lock()
    version = states.create(content)
    [(detail, _)] = faults(states.unlock(expect=422))
    assert "latest state version is still pending" in detail
    states.put(version, content)
    states.unlock()
    states.current()


def test_a_newer_version_discards_a_pending_one(states: States) -> None:
    states.lock()
    old = states.create(state(1))
    new = states.create(state(1))
    assert states.show(old)["data"]["attributes"]["status"] == "discarded"
    states.put(old, state(1), expect=409)
    states.put(old, b"{}", part="json-state", expect=409)
    states.put(new, state(1))
    states.unlock()
    assert states.current()["data"]["id"] == new["data"]["id"]


def test_a_force_unlock_discards_what_is_pending_and_keeps_what_has_arrived(states: States) -> None:
    states.lock()
    arrived = states.inline(state(1))
    pending = states.create(state(2))
    states.force_unlock()
    attributes = states.show(pending)["data"]["attributes"]
    assert (attributes["status"], attributes["intermediate"]) == ("discarded", False)
    assert attributes["hosted-state-upload-url"] is None
    states.put(pending, state(2), expect=409)
    assert states.current()["data"]["id"] == arrived["data"]["id"]


# --- rollback -----------------------------------------------------------------------------------------------------


def roll_back(states: States, version_id: str, *, expect: int = 201) -> Any:
    linkage = {"data": {"type": "state-versions", "id": version_id}}
    sent = {"data": {"type": "state-versions", "relationships": {"rollback-state-version": linkage}}}
    return states.api.patch(f"{states.path}/state-versions", states.token, sent, expect=expect)


def test_a_rollback_is_a_copy_with_the_next_serial(states: States) -> None:
    # A spelling that no serializer would make, with the word in other places.
    old = (
        b'{ "version":4,"outputs":{"serial":{"value":"serial","type":"string"}},'
        b'\t"serial" : 1 ,"lineage":"l","x":[1.50]}\n'
    )
    first = states.save(old)
    states.save(state(8, lineage="l"))
    states.lock()
    copy = roll_back(states, first["data"]["id"])
    attributes = copy["data"]["attributes"]
    assert (attributes["serial"], attributes["status"], attributes["intermediate"]) == (9, "finalized", True)
    assert copy["data"]["relationships"]["rollback-state-version"]["data"]["id"] == first["data"]["id"]
    assert states.fetched(copy) == old.replace(b'"serial" : 1', b'"serial" : 9')
    states.unlock()
    assert states.current()["data"]["id"] == copy["data"]["id"]
    assert states.fetched(states.show(first)) == old
    # The next apply goes on from it.
    states.save(state(10, lineage="l"))


def test_a_rollback_needs_the_lock(states: States) -> None:
    first = states.save(state())["data"]["id"]
    assert faults(roll_back(states, first, expect=409)) == [(NOT_LOCKED, "")]


def test_a_rollback_goes_to_a_finished_version_of_the_same_workspace(states: States, world: World) -> None:
    project = own_project(world)
    elsewhere = States(states.api, world.workspace(project, "other"), states.token).save(state())["data"]["id"]
    states.lock()
    pending = states.create(state())["data"]["id"]
    for version_id in (elsewhere, pending, "sv-missing"):
        roll_back(states, version_id, expect=404)
    states.api.patch(f"{states.path}/state-versions", states.token, PATCH, expect=422)


# --- who may ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("level", "outputs", "read", "write"),
    [
        (None, 404, 404, 404),
        ("none", 404, 404, 404),
        ("read-outputs", 200, 404, 404),
        ("read", 200, 200, 404),
        ("write", 200, 200, 409),
    ],
)
def test_what_each_level_of_access_may(
    states: States, world: World, acme: Organization, level: str | None, outputs: int, read: int, write: int
) -> None:
    version = states.save(state(outputs={"a": {"value": "x", "type": "string", "sensitive": True}}))
    output = version["data"]["relationships"]["outputs"]["data"][0]["id"]
    team = world.team(acme)
    if level is not None:
        project = own_project(world)
        world.access(team, project, "custom", {"runs": "read", "state-versions": level})
    token = world.member(acme, team).token
    api, path, one = states.api, states.path, f"/state-versions/{version['data']['id']}"
    for url in (f"{path}/current-state-version-outputs", f"{one}/outputs", f"/state-version-outputs/{output}"):
        api.get(url, token, expect=outputs)
    listed = "/state-versions?filter[organization][name]=acme&filter[workspace][name]=net"
    for url in (f"{path}/current-state-version", one, listed, f"{path}/resources"):
        api.get(url, token, expect=read)
    api.post(f"{path}/state-versions", token, announcement(state(2)), expect=write)
    api.post(f"{path}/state-versions", token, announcement(state(2), is_inline=True), expect=write)
    api.patch(f"{path}/state-versions", token, PATCH, expect=422 if write == 409 else 404)


@pytest.mark.one_database
@pytest.mark.parametrize("sent", ["no document", document("state-versions", {"serial": -1})], ids=["bad", "wrong"])
def test_who_may_not_write_learns_nothing_from_a_bad_document(
    states: States, world: World, acme: Organization, *, sent: Any
) -> None:
    path = f"{states.path}/state-versions"
    stranger = world.member(acme).token
    for action in ("POST", "PATCH"):
        assert states.api.raw(action, path, stranger, sent).status_int == 404
        assert states.api.raw(action, path, states.token, sent).status_int in {400, 422}


def test_a_reader_gets_no_address_for_uploads(states: States, world: World, acme: Organization) -> None:
    reader = world.member(acme, world.team(acme, "read-workspaces")).token
    states.lock()
    pending = states.create(state())["data"]["id"]
    attributes = states.api.get(f"/state-versions/{pending}", reader)["data"]["attributes"]
    assert attributes["hosted-state-upload-url"] is None
    assert attributes["hosted-json-state-upload-url"] is None


def test_an_organizations_token_reads_and_never_writes(states: States, world: World, acme: Organization) -> None:
    token = world.token(acme)
    version = states.save(state())["data"]["id"]
    states.api.get(f"/state-versions/{version}", token)
    # Not even the lock, so that nothing is applied whose state would then be refused.
    states.api.post(f"{states.path}/actions/lock", token, {}, expect=404)
    for is_inline in (False, True):
        states.api.post(f"{states.path}/state-versions", token, announcement(state(2), is_inline=is_inline), expect=404)
    states.api.patch(f"{states.path}/state-versions", token, PATCH, expect=404)


def test_versions_follow_their_workspace_to_another_project(states: States, world: World, acme: Organization) -> None:
    team = world.team(acme)
    there = world.project(acme)
    world.access(team, there, "read")
    token = world.member(acme, team).token
    version = states.save(state(outputs={"a": {"value": 1, "type": "number"}}))
    path = f"/state-versions/{version['data']['id']}"
    states.api.get(path, token, expect=404)
    move = {
        "data": {"type": "workspaces", "relationships": {"project": {"data": {"type": "projects", "id": there.id}}}}
    }
    states.api.patch(states.path, states.token, move)
    states.api.get(path, token)
    assert len(states.api.get(f"{path}/outputs", token)["data"]) == 1
