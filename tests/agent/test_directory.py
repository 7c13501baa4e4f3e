"""What a run leaves in its directory is anything: links, pipes, and files without end."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from app.agent.client import Client, JobClient
from app.agent.directory import BadFile, RunDirectory, disk_usage, read_notes
from app.agent.sandbox import Sandbox
from app.agent.states import States
from tests.support.agent_service import AgentService, packed
from tests.support.running_agent import Start

SECRET = "the-token-of-the-agent"
Pretend = Callable[[str], Path]


@pytest.fixture
def directory(tmp_path: Path) -> RunDirectory:
    made = RunDirectory(tmp_path / "job", Sandbox("none"), tmp_path / "cache", "net", "sub/dir/")
    made.create()
    (tmp_path / "secret").write_text(SECRET)
    return made


def test_links_are_not_followed(directory: RunDirectory, tmp_path: Path) -> None:
    work = directory.directories.work
    (work / "out" / "plan").symlink_to(tmp_path / "secret")
    with pytest.raises(BadFile, match="out/plan is not a file"):
        directory.open("out/plan")
    (work / "state" / "net").rmdir()
    (work / "state" / "net").symlink_to(tmp_path)
    with pytest.raises(BadFile, match="state/net is not a directory"):
        directory.open("state/net/secret")
    with pytest.raises(BadFile, match="not a directory"):
        directory.write("state/net/terraform.tfstate", b"x")
    # Written anew, a link is replaced and not followed.
    directory.write("out/plan", b"new")
    assert (tmp_path / "secret").read_text() == SECRET
    assert (work / "out" / "plan").read_text() == "new"


def test_pipes_are_not_waited_for(directory: RunDirectory) -> None:
    os.mkfifo(directory.directories.work / "out" / "plan")
    with pytest.raises(BadFile, match="is not a file"):
        directory.open("out/plan")


def test_files_may_be_missing_or_too_large(directory: RunDirectory) -> None:
    assert directory.open("out/plan") is None
    assert directory.open("no/such/folder") is None
    assert directory.read("out/plan", 10) is None
    directory.write("out/plan", b"x" * 11)
    with pytest.raises(BadFile, match="larger than 10 bytes"):
        directory.read("out/plan", 10)
    directory.remove_file("out/plan")
    directory.remove_file("out/plan")


@pytest.mark.parametrize("path", ["../other", "a/../../b", "a\0b"])
def test_a_working_directory_stays_within(path: str, tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="outside of the configuration"):
        RunDirectory(tmp_path / "job", Sandbox("none"), tmp_path, "net", path)


def test_everything_is_removed(directory: RunDirectory) -> None:
    deep = os.open(directory.directories.work, os.O_RDONLY)
    for _ in range(1200):
        os.mkdir("d", dir_fd=deep)
        inner = os.open("d", os.O_RDONLY, dir_fd=deep)
        os.close(deep)
        deep = inner
    os.close(deep)
    closed = directory.directories.work / "closed"
    closed.mkdir()
    (closed / "file").touch()
    closed.chmod(0o000)
    directory.remove()
    assert not directory.root.exists()


def test_how_much_it_holds(directory: RunDirectory) -> None:
    directory.write("out/plan", b"x" * 100_000)
    (directory.directories.work / "out" / "loop").symlink_to(directory.root)
    assert 100_000 <= disk_usage(directory.root) < 300_000


def test_notes_that_are_none(tmp_path: Path) -> None:
    assert read_notes(tmp_path) is None
    (tmp_path / "job.json").write_text("[]")
    assert read_notes(tmp_path) is None
    (tmp_path / "job.json").write_text("{")
    assert read_notes(tmp_path) is None


def test_a_state_that_is_just_written_waits(directory: RunDirectory) -> None:
    states = States(JobClient(Client("http://127.0.0.1:1", ""), "job-1", 1), directory, None)
    assert states._copy(directory.state, final=False) is None
    directory.write(directory.state, b"{}")
    assert states._copy(directory.state, final=False) is None
    copied = states._copy(directory.state, final=True)
    assert copied is not None
    copied[0].close()
    directory.write(directory.state, b"")
    assert states._copy(directory.state, final=True) is None


def test_a_plan_that_plants_a_link_hands_over_nothing(service: AgentService, start: Start, pretend: Pretend) -> None:
    start(tools=pretend('for each in "$@"; do case "$each" in -out=*) ln -sf /etc/passwd "${each#-out=}";; esac; done'))
    job = service.add("plan", version="9.9.9")
    assert service.run(job)["error"] == "out/plan is not a file"
    assert job.artifacts == {}


def test_a_state_that_is_a_link_is_not_handed_over(service: AgentService, start: Start, pretend: Pretend) -> None:
    state = '"/groundplan/work/state/$TF_WORKSPACE/terraform.tfstate"'
    start(tools=pretend(f'test "$1" = plan && exit 0; ln -sf /etc/passwd {state}'))
    planned = service.add("plan", version="9.9.9")
    service.run(planned)
    job = service.add_apply(planned)
    service.run(job)
    assert job.states == []
    assert "the service did not take the state of this apply" in job.text


def test_the_working_directory_is_where_the_configuration_is(
    service: AgentService, start: Start, pretend: Pretend
) -> None:
    start(tools=pretend("pwd; ls"))
    job = service.add("plan", version="9.9.9", workspace={"working-directory": "/live/net/"})
    job.configuration = packed({"live/net/main.tf": "", "modules/a.tf": ""})
    assert service.run(job)["outcome"] == "ok"
    assert job.text.splitlines()[3:5] == ["/groundplan/work/config/live/net", "main.tf"]
    job = service.add("plan", version="9.9.9", workspace={"working-directory": "elsewhere"})
    job.configuration = packed(main="")
    assert service.run(job)["error"] == (
        "The configuration has no directory elsewhere. Correct the working directory of the workspace."
    )
    job = service.add("plan", version="9.9.9", workspace={"working-directory": "../other"})
    assert "outside of the configuration" in service.run(job)["error"]


def test_a_configuration_that_is_refused(service: AgentService, start: Start, pretend: Pretend) -> None:
    start(tools=pretend("exit 0"))
    job = service.add("plan", version="9.9.9")
    job.configuration = packed({"zzz_groundplan_override.tf.json": "{}"})
    result = service.run(job)
    assert result["outcome"] == "failed"
    assert "The service needs this name" in result["error"]
    assert job.text.endswith(f"Error: {result['error']}\n")


def test_a_version_that_can_not_be_had(service: AgentService, start: Start, pretend: Pretend) -> None:
    start(tools=pretend("exit 0"))
    job = service.add("plan", version="8.8.8")
    result = service.run(job)
    assert "Terraform 8.8.8 is not at hand on this agent" in result["error"]
    assert job.started == 1
    assert result["error"] in job.text
