"""Carrying an archive into another organization: the plan, what comes of it, and doing it again."""

import gzip
import io
import tarfile
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from app import transfer_commands
from app.models import Organization
from app.services import services
from app.transfer import client
from app.transfer.secrets import SealedValues
from app.transfer.state_import import StateImport
from tests.support.api import Api, document
from tests.support.states import States, md5, state
from tests.support.world import World
from tests.transfer.conftest import SECRET, Command, Scene, command_of

LISTS = ("vars", "acl", "tag-bindings", "notification-configurations", "relationships/remote-state-consumers")


@pytest.fixture
def beta(world: World, scene: Scene) -> Organization:
    """Another organization with the same people and a team of the same name."""
    beta = world.organization("beta", owner=scene.owner)
    world.membership(beta, scene.member)
    world.team(beta, name="developers", visibility="organization")
    world.pool(beta, "fast")
    return beta


def shape(api: Api, token: str, organization: str) -> dict[str, Any]:
    """What an organization has, without ids and times."""

    def plain(each: dict[str, Any]) -> dict[str, Any]:
        # The time of an inactivity limit begins anew.
        left_out = {"auto-destroy-at", "created-at", "updated-at", "latest-change-at", "permissions", "version-id"}
        return {name: value for name, value in each["attributes"].items() if name not in left_out}

    found: dict[str, Any] = {}
    for each in api.get(f"/organizations/{organization}/workspaces", token)["data"]:
        name = each["attributes"]["name"]
        found[name] = plain(each)
        for path in LISTS:
            listed = api.get(f"/workspaces/{each['id']}/{path}", token)["data"]
            found[f"{name}/{path}"] = [
                plain(one) | {"name": one["attributes"].get("name")} if path != LISTS[-1] else one["attributes"]["name"]
                for one in listed
            ]
        triggers = api.get(f"/workspaces/{each['id']}/run-triggers?filter[run-trigger][type]=inbound", token)["data"]
        found[f"{name}/triggers"] = [one["attributes"]["sourceable-name"] for one in triggers]
        access = api.get(f"/team-workspaces?filter[workspace][id]={each['id']}", token)["data"]
        found[f"{name}/teams"] = [plain(one) for one in access]
    for each in api.get(f"/organizations/{organization}/projects", token)["data"]:
        if each["attributes"]["name"] == "Default Project":
            continue
        name = each["attributes"]["name"]
        found[f"project {name}"] = plain(each)
        for path in ("environments", "members", "repository-links", "tag-bindings"):
            found[f"project {name}/{path}"] = sorted(
                (plain(one) for one in api.get(f"/projects/{each['id']}/{path}", token)["data"]), key=repr
            )
    for each in api.get(f"/organizations/{organization}/varsets", token)["data"]:
        if not each["attributes"]["global"]:
            name = each["attributes"]["name"]
            found[f"varset {name}"] = plain(each)
            listed = api.get(f"/varsets/{each['id']}/relationships/vars", token)["data"]
            found[f"varset {name}/vars"] = [plain(one) for one in listed]
    return found


def test_what_is_carried_is_the_same_there(
    archive: Path, scene: Scene, beta: Organization, command: Command, api: Api
) -> None:
    del beta
    plan = command("import", archive, "--organization", "beta").output
    assert "+ workspace net-prod\n" in plan
    assert "+ states of workspace net-prod: 3 state versions, serial 1 to 5" in plan
    assert "! variable net-prod/env/TOKEN: its value is sensitive and not known" in plan
    assert "! variable set everywhere: the set is global" in plan
    assert "Nothing was changed." in plan
    assert shape(api, scene.owner.token, "beta") == {}
    done = command("import", archive, "--organization", "beta", "--apply").output
    assert "failed" not in done
    wanted, there = shape(api, scene.owner.token, "acme"), shape(api, scene.owner.token, "beta")
    # What can't be carried without its value.
    wanted["net-prod/vars"] = [each for each in wanted["net-prod/vars"] if each["key"] != "TOKEN"]
    assert there == wanted
    copy = api.get("/organizations/beta/workspaces/net-prod", scene.owner.token)["data"]
    listed = api.get(
        "/state-versions?filter[organization][name]=beta&filter[workspace][name]=net-prod", scene.owner.token
    )["data"]
    assert [each["attributes"]["serial"] for each in listed] == [5, 2, 1]
    states = States(api, scene.states.workspace.__class__(id=copy["id"]), scene.owner.token)
    assert states.fetched(states.current()) == state(5, resources=5)
    # Terraform goes on there.
    states.save(state(6))
    events = api.get("/organizations/beta/activity-events?page[size]=100", scene.owner.token)["data"]
    carried = [each["attributes"] for each in events if each["attributes"]["actor"]["name"] == "flask"]
    assert {"workspaces.create", "vars.create", "state-versions.create"} <= {each["action"] for each in carried}


def test_a_second_import_changes_nothing_and_a_third_what_differs(
    archive: Path, scene: Scene, beta: Organization, command: Command, api: Api
) -> None:
    del beta
    command("import", archive, "--organization", "beta", "--apply")
    again = command("import", archive, "--organization", "beta", "--apply").output
    assert "0 to create, 0 to change" in again
    assert "There is nothing to do." in again
    copy = api.get("/organizations/beta/workspaces/net-prod", scene.owner.token)["data"]
    api.patch(
        f"/workspaces/{copy['id']}", scene.owner.token, document("workspaces", {"description": "x", "title": "Title"})
    )
    third = command("import", archive, "--organization", "beta", "--apply").output
    assert "~ workspace net-prod: description, title\n" in third
    assert "Done: 0 created, 1 changed." in third
    shown = api.get("/organizations/beta/workspaces/net-prod", scene.owner.token)["data"]["attributes"]
    assert (shown["description"], shown["title"]) == ('Says "net-prod"', "Production")


@pytest.mark.one_database
def test_sensitive_values_come_with_their_key(
    scene: Scene, beta: Organization, command: Command, api: Api, tmp_path: Path, passphrase: Path, app: Flask
) -> None:
    del beta
    path = tmp_path / "net"
    command("export", "acme/net", path, "--with-sensitive-values", "--passphrase-file", passphrase)
    assert "encrypted to a passphrase" in command("import", path, "--organization", "beta", fails=True).output
    options = ("--organization", "beta", "--apply", "--passphrase-file", passphrase)
    command("import", path, *options)
    assert "There is nothing to do." in command("import", path, *options).output
    copy = api.get("/organizations/beta/workspaces/net-prod", scene.owner.token)["data"]["id"]
    listed = api.get(f"/workspaces/{copy}/vars", scene.owner.token)["data"]
    token = next(each for each in listed if each["attributes"]["key"] == "TOKEN")
    assert (token["attributes"]["sensitive"], token["attributes"]["value"]) == (True, None)
    with app.app_context():
        values = SealedValues(services().engines, services().keyring).of("workspace_id", copy)
    assert values == {token["id"]: SECRET}


def test_what_is_not_there_is_left_out_and_told(
    archive: Path, scene: Scene, world: World, command: Command, api: Api
) -> None:
    world.organization("gamma", owner=scene.owner)
    done = command("import", archive, "--organization", "gamma", "--apply").output
    assert "! team developers: there is no such team; make it, then import again" in done
    assert "! member net/bob@example.test/staging: there is no member with the e-mail address bob@example.test" in done
    assert "! access of a team to a project net/developers: there is no team developers" in done
    assert "! entry of an access list net-prod/bob@example.test" in done
    workspaces = api.get("/organizations/gamma/workspaces", scene.owner.token)["data"]
    assert [each["attributes"]["name"] for each in workspaces] == ["net-dev", "net-prod"]
    teams = api.get("/organizations/gamma/teams", scene.owner.token)["data"]
    assert [each["attributes"]["name"] for each in teams] == ["owners"]


def test_states_of_another_history_are_refused(
    archive: Path, scene: Scene, beta: Organization, world: World, command: Command, api: Api, subtests: Any
) -> None:
    net = world.project(beta, "net")
    workspace = world.workspace(net, "net-prod")
    states = States(api, workspace, scene.owner.token)
    other = state(7, lineage="00000000-other")
    states.save(other)
    for name in ("the plan", "the import"):
        with subtests.test(name):
            options = ["--apply"] if name == "the import" else []
            told = command("import", archive, "--organization", "beta", *options, fails=True).output
            assert "x states of workspace net-prod: the workspace has states of another history" in told
            assert "1 things could not be carried" in told
    assert states.fetched(states.current()) == other
    # Everything else has come.
    assert api.get("/organizations/beta/workspaces/net-dev", scene.owner.token)


@pytest.mark.one_database
def test_states_go_on_where_they_were_cut_off(
    archive: Path,
    scene: Scene,
    beta: Organization,
    command: Command,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    del beta
    own, added = StateImport.add, []

    def fails(self: StateImport, workspace: str, version: Any, source: Any) -> None:
        if version["serial"] == 5:
            raise KeyboardInterrupt
        own(self, workspace, version, source)
        added.append(version["serial"])

    with monkeypatch.context() as patched:
        patched.setattr(StateImport, "add", fails)
        command("import", archive, "--organization", "beta", "--apply", fails=True)
    assert added == [1, 2]
    assert "1 state version, serial 5" in command("import", archive, "--organization", "beta", "--apply").output
    assert "There is nothing to do." in command("import", archive, "--organization", "beta", "--apply").output
    # A newer export brings what is new.
    scene.states.save(state(6))
    command("export", "acme/net", tmp_path / "newer")
    newer = command("import", tmp_path / "newer", "--organization", "beta", "--apply").output
    assert "+ states of workspace net-prod: 1 state version, serial 6" in newer
    # An older one changes nothing there.
    older = command("import", archive, "--organization", "beta", "--apply").output
    assert "There is nothing to do." in older


@pytest.mark.one_database
def test_a_locked_workspace_gets_no_states(
    archive: Path, scene: Scene, beta: Organization, world: World, command: Command, api: Api
) -> None:
    states = States(api, world.workspace(world.project(beta, "net"), "net-prod"), scene.owner.token)
    states.lock()
    told = command("import", archive, "--organization", "beta", "--apply", fails=True).output
    assert "The workspace is locked; wait until it is unlocked" in told
    states.current(expect=404)
    states.unlock()
    command("import", archive, "--organization", "beta", "--apply")
    assert states.fetched(states.current()) == state(5, resources=5)


@pytest.mark.one_database
def test_a_state_that_is_stored_meanwhile_stays_the_newest(
    archive: Path, scene: Scene, beta: Organization, world: World, command: Command, api: Api
) -> None:
    states = States(api, world.workspace(world.project(beta, "net"), "net-prod"), scene.owner.token)
    own = StateImport.add

    def meanwhile(self: StateImport, workspace: str, version: Any, source: Any) -> None:
        if version["serial"] == 2:
            states.save(state(9, resources=9))
        own(self, workspace, version, source)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(StateImport, "add", meanwhile)
        told = command("import", archive, "--organization", "beta", "--apply", fails=True).output
    assert "x states of workspace net-prod: serial 2: Another state was stored meanwhile; import again" in told
    assert states.fetched(states.current()) == state(9, resources=9)


@pytest.mark.one_database
def test_on_a_terminal_a_question_is_asked(
    archive: Path, scene: Scene, beta: Organization, app: Flask, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    del beta
    monkeypatch.setattr(transfer_commands, "is_terminal", lambda: True)
    for answer, count in (("n", 0), ("y", 2)):
        arguments = ["import", str(archive), "--organization", "beta"]
        result = app.test_cli_runner().invoke(args=arguments, input=f"{answer}\n")
        assert (result.exit_code, "Carry it out?" in result.output) == (0, True)
        assert len(api.get("/organizations/beta/workspaces", scene.owner.token)["data"]) == count


@pytest.mark.one_database
def test_a_workspace_of_another_project_is_left_alone(
    archive: Path, scene: Scene, beta: Organization, world: World, command: Command, api: Api
) -> None:
    other = world.workspace(world.project(beta, "other"), "net-prod")
    told = command("import", archive, "--organization", "beta", "--apply").output
    assert "! workspace net-prod: a workspace of this name is in the project other" in told
    assert "! variable net-prod/terraform/region: what it belongs to is not carried" in told
    assert api.get(f"/workspaces/{other.id}/vars", scene.owner.token)["data"] == []


@pytest.mark.one_database
def test_what_belongs_to_the_organization_is_never_changed(
    archive: Path, scene: Scene, beta: Organization, world: World, command: Command, api: Api
) -> None:
    shared = world.varset(beta, name="shared", description="beta's own")
    command("import", archive, "--organization", "beta", "--apply")
    found = api.get(f"/varsets/{shared.id}", scene.owner.token)["data"]
    assert (found["attributes"]["description"], found["attributes"]["var-count"]) == ("beta's own", 0)
    # It is applied where the archive says so.
    assert found["attributes"]["workspace-count"] == found["attributes"]["project-count"] == 1


def test_into_another_service(archive: Path, scene: Scene, there: Flask) -> None:
    world, api = World(there), Api(there)
    owner = world.person("ada")
    world.organization("new", owner=owner)
    run = command_of(there)
    run("import", archive, "--organization", "new", "--apply")
    assert "There is nothing to do." in run("import", archive, "--organization", "new", "--apply").output
    found = api.get("/organizations/new/workspaces/net-prod", owner.token)["data"]
    states = States(api, scene.states.workspace.__class__(id=found["id"]), owner.token)
    assert md5(states.fetched(states.current())) == md5(state(5, resources=5))


def members(path: Path) -> dict[str, bytes]:
    with tarfile.open(path) as tar:
        return {each.name: file.read() for each in tar if (file := tar.extractfile(each)) is not None}


def packed(content: dict[str, bytes]) -> bytes:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w:gz") as tar:
        for name, data in content.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return raw.getvalue()


@pytest.mark.one_database
def test_a_damaged_archive_is_refused_before_anything_is_made(
    archive: Path, scene: Scene, beta: Organization, command: Command, api: Api, tmp_path: Path, subtests: Any
) -> None:
    del beta
    good = members(archive)
    state_name = next(name for name in good if name.startswith("states/"))
    cases = {
        "cut off": (archive.read_bytes()[:-200], "damaged or cut off"),
        "no archive": (b"something else", "damaged or cut off"),
        "nothing": (b"", "damaged or cut off"),
        "another tar": (packed({"x": b"y"}), "is no export of Groundplan"),
        "a changed record": (packed({**good, "records.jsonl": good["records.jsonl"] + b"{}\n"}), "is damaged"),
        "a state is missing": (packed({n: d for n, d in good.items() if n != state_name}), "is damaged"),
        "a member more": (packed({**good, "more": b""}), "is damaged"),
        "leads out": (packed({"../../x": b"", **good}), "leads out of it"),
        "absolute": (packed({"/somewhere": b"", **good}), "leads out of it"),
        "another format": (
            gzip.compress(gzip.decompress(archive.read_bytes()).replace(b'"format": 1', b'"format": 9')),
            "has the format 9",
        ),
    }
    for name, (content, told) in cases.items():
        with subtests.test(name):
            path = tmp_path / "damaged"
            path.write_bytes(content)
            assert told in command("import", path, "--organization", "beta", "--apply", fails=True).output
    assert shape(api, scene.owner.token, "beta") == {}
    assert (
        "There is no organization lost here" in command("import", archive, "--organization", "lost", fails=True).output
    )


@pytest.mark.one_database
def test_a_refused_record_does_not_stop_the_others(
    archive: Path, scene: Scene, beta: Organization, command: Command, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    del beta
    own = client.Api.send

    def refusing(self: client.Api, method: str, path: str, sent: Any) -> dict[str, Any]:
        if method == "POST" and path.endswith("/vars") and sent["data"]["attributes"]["key"] == "zones":
            sent["data"]["attributes"]["description"] = "x" * 1_000
        return own(self, method, path, sent)

    with monkeypatch.context() as patched:
        patched.setattr(client.Api, "send", refusing)
        told = command("import", archive, "--organization", "beta", "--apply", fails=True).output
    assert "x variable net-prod/terraform/zones: Description is too long" in told
    again = command("import", archive, "--organization", "beta", "--apply").output
    assert "Plan: 1 to create, 0 to change" in again
    assert len(api.get("/organizations/beta/workspaces", scene.owner.token)["data"]) == 2


@pytest.mark.one_database
def test_what_could_not_be_changed_still_gets_what_belongs_to_it(
    archive: Path, scene: Scene, beta: Organization, world: World, command: Command, api: Api
) -> None:
    workspace = world.workspace(world.project(beta, "net"), "net-prod")
    own = client.Api.send

    def refusing(self: client.Api, method: str, path: str, sent: Any) -> dict[str, Any]:
        if method == "PATCH" and path == f"/workspaces/{workspace.id}":
            raise client.Refused(422, method, path, [{"detail": "No such thing"}])
        if (method, path) == ("POST", "/organizations/beta/workspaces"):
            raise client.Refused(422, method, path, [])
        return own(self, method, path, sent)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(client.Api, "send", refusing)
        told = command("import", archive, "--organization", "beta", "--apply", fails=True).output
    assert "x workspace net-prod: No such thing" in told
    assert "x workspace net-dev: POST /organizations/beta/workspaces was answered with 422" in told
    assert "2 things could not be carried" in told
    assert len(api.get(f"/workspaces/{workspace.id}/vars", scene.owner.token)["data"]) == 2
