"""The walls of the sandbox: what a configuration that runs any program can reach."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.agent import sandbox
from app.agent.sandbox import Directories, NoSandbox, Process, Sandbox

SECRET = "the-token-of-the-agent"
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may become another user")


@pytest.fixture
def box() -> Iterator[Sandbox]:
    if not sandbox.available():
        pytest.skip(str(sandbox.why_unavailable()))
    box = Sandbox("bwrap")
    yield box
    box.close()


@pytest.fixture
def directories(home: Path, box: Sandbox) -> Directories:
    found = Directories(home / "job" / "work", home / "job" / "input", home / "cache")
    for folder in (found.work, found.input, found.cache):
        folder.mkdir(mode=0o755, parents=True)
        box.own(folder)
    (home / "other-job").mkdir()
    (home / "other-job" / "plan").write_text(SECRET)
    return found


def output(process: Process) -> str:
    assert process.popen.stdout is not None
    with process.popen.stdout:
        text = process.popen.stdout.read().decode()
    process.wait()
    return text


def run(box: Sandbox, directories: Directories, command: str) -> str:
    cwd = box.inside(directories).work
    environment = {"PATH": "/usr/bin:/bin", "GIVEN": "yes"}
    return output(box.start(["/bin/sh", "-c", command], directories, cwd=cwd, environment=environment))


def test_nothing_of_the_agent_is_seen(
    box: Sandbox, directories: Directories, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GROUNDPLAN_AGENT_TOKEN", SECRET)
    everything = "cat /proc/*/environ /proc/*/cmdline; env; ls -laR /groundplan; cat /etc/shadow; ls /root /home /srv"
    told = run(box, directories, f"({everything}; ls {home}; cat {home}/other-job/plan) 2>&1")
    assert SECRET not in told
    assert "GIVEN=yes" in told
    assert "other-job:" not in told
    assert "root:" not in told
    # Only its input, its outputs, and what ls itself opens.
    assert run(box, directories, "ls /proc/self/fd").split() == ["0", "1", "2", "3"]
    # The process itself, and the shell that was started with it: no other process is seen.
    assert len(run(box, directories, "ls -d /proc/[0-9]*").split()) <= 2


def test_it_may_write_its_own_directory_alone(box: Sandbox, directories: Directories) -> None:
    places = "/groundplan/work /groundplan/cache /groundplan/input /usr /etc /dev / /groundplan /tmp /var/tmp /dev/shm"
    command = f"for place in {places}; do touch $place/x 2>/dev/null && echo $place; done"
    assert run(box, directories, command).split() == [
        *("/groundplan/work", "/groundplan/cache", "/tmp", "/var/tmp", "/dev/shm")  # noqa: S108
    ]
    assert (directories.work / "x").exists()


def test_what_is_in_memory_has_an_end(directories: Directories) -> None:
    small = Sandbox("bwrap", memory=8 << 20)
    told = run(
        small,
        directories,
        "for each in /tmp /dev/shm; do head -c 9000000 /dev/zero > $each/x 2>/dev/null; wc -c < $each/x; done",
    )
    small.close()
    assert told.split() == [str(4 << 20), str(1 << 20)]


@pytest.mark.parametrize("below", ["", "closed"])
def test_homes_are_seen_nowhere(box: Sandbox, directories: Directories, home: Path, below: str) -> None:
    hidden = home / below / "service"
    hidden.mkdir(parents=True)
    (home / below).chmod(0o711 if not below else 0o700)
    (hidden / "instance.key").write_text(SECRET)
    (hidden / "instance.key").chmod(0o644)
    hidden.chmod(0o755)
    (home / "beside").write_text("beside\n")
    (home / "beside").chmod(0o644)
    command = f"cat {hidden}/* {home}/beside; touch {hidden}/x && echo written"

    def told(box: Sandbox) -> str:
        shell, cwd = ["/bin/sh", "-c", command], box.inside(directories).work
        return output(box.start(shell, directories, cwd=cwd, environment={"PATH": "/bin"}, readable=[home]))

    if not below:
        assert SECRET in told(box)
    hiding = Sandbox("bwrap", hidden=[hidden])
    found = told(hiding)
    assert SECRET not in found
    assert "written" not in found
    assert "beside" in found.split()
    hiding.close()
    for folder in ("/usr", "/"):
        with pytest.raises(NoSandbox, match="holds the system's programs"):
            Sandbox("bwrap", hidden=[Path(folder)])


def test_a_program_is_seen_alone(box: Sandbox, directories: Directories, home: Path) -> None:
    (home / "checkout").mkdir()
    program = home / "checkout" / "terraform"
    program.write_text(f"#!/bin/sh\necho ran; ls /groundplan/bin; cat {home}/checkout/.env 2>&1\n")
    program.chmod(0o755)
    (home / "checkout" / ".env").write_text(SECRET)
    inside = box.find_inside(program)
    found = output(
        box.start(
            [str(inside)],
            directories,
            cwd=box.inside(directories).work,
            environment={"PATH": "/usr/bin:/bin"},
            program=program,
        )
    )
    assert found.split()[:3] == ["ran", "terraform", "cat:"]
    assert SECRET not in found
    assert box.find_inside(Path("/usr/bin/env")) == Path("/usr/bin/env")
    assert Sandbox("bwrap", hidden=[Path("/usr/bin")]).find_inside(Path("/usr/bin/env")) == inside.parent / "env"


def test_it_has_no_rights(box: Sandbox, directories: Directories) -> None:
    told = run(box, directories, "id -u; id -G; grep -E '^(CapEff|CapPrm|CapBnd|NoNewPrivs)' /proc/self/status")
    uid, groups, *lines = told.splitlines()
    assert int(uid) == box.uid != 0
    assert groups.split() in ([str(box.gid)], [str(box.gid), str(box.gid)])
    assert [line.split()[1] for line in lines] == ["0" * 16, "0" * 16, "0" * 16, "1"]
    # No namespace within the namespace, in which it would have rights again.
    assert "ok" not in run(box, directories, "unshare --user --map-root-user echo ok 2>/dev/null")


@needs_root
def test_root_s_files_stay_closed(box: Sandbox, directories: Directories) -> None:
    (directories.work / "closed").write_text(SECRET)
    (directories.work / "closed").chmod(0o600)
    assert SECRET not in run(box, directories, "cat /groundplan/work/closed 2>&1")
    with pytest.raises(NoSandbox, match="not root"):
        Sandbox("bwrap", "root")
    with pytest.raises(NoSandbox, match="there is no user"):
        Sandbox("bwrap", "nobody-of-this-name")


@needs_root
def test_a_folder_that_others_may_not_enter(monkeypatch: pytest.MonkeyPatch) -> None:
    # As in a virtual environment below /root.
    monkeypatch.setattr(sandbox, "_may_enter", lambda _: False)
    copied = Sandbox("bwrap")
    folder = Path(copied._bwrap).parents[2]
    copied.test()
    copied.close()
    assert not folder.exists()


def test_limits_hold(directories: Directories) -> None:
    small = Sandbox("bwrap", processes=30, file_bytes=1024 * 1024)
    told = run(
        small, directories, "head -c 2000000 /dev/zero > big; wc -c < big; for i in $(seq 60); do sleep 1 & done; wait"
    )
    small.close()
    assert "1048576" in told.split()
    assert "ork" in told  # cannot fork


def test_an_interrupt_reaches_the_command_alone_and_once(box: Sandbox, directories: Directories) -> None:
    script = "trap 'echo got' INT; echo ready; i=0; while [ $i -lt 3 ]; do sleep 0.1; i=$((i+1)); done; echo end"
    process = box.start(
        ["/bin/sh", "-c", script], directories, cwd=box.inside(directories).work, environment={"PATH": "/usr/bin:/bin"}
    )
    assert process.popen.stdout is not None
    assert process.popen.stdout.readline() == b"ready\n"
    process.interrupt()
    process.interrupt()
    assert output(process).split() == ["got", "end"]
    process.interrupt()


def test_a_kill_leaves_nothing(box: Sandbox, directories: Directories) -> None:
    name = f"{os.getpid()}.5"
    process = box.start(
        ["/bin/sh", "-c", f"setsid sleep 300{name} & echo ready; sleep 301{name}"],
        directories,
        cwd=box.inside(directories).work,
        environment={"PATH": "/usr/bin:/bin"},
    )
    assert process.popen.stdout is not None
    assert process.popen.stdout.readline() == b"ready\n"
    process.kill()
    output(process)
    assert process.popen.returncode < 0
    assert name not in subprocess.run(["/bin/ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout


def test_without_a_sandbox_a_kill_leaves_nothing_either(tmp_path: Path) -> None:
    none = Sandbox("none")
    directories = Directories(tmp_path, tmp_path, tmp_path)
    name = f"{os.getpid()}.6"
    process = none.start(
        ["/bin/sh", "-c", f"sleep 300{name} & echo ready; sleep 301{name}"],
        none.inside(directories),
        cwd=tmp_path,
        environment={"PATH": "/usr/bin:/bin"},
    )
    assert process.popen.stdout is not None
    assert process.popen.stdout.readline() == b"ready\n"
    process.kill()
    output(process)
    assert name not in subprocess.run(["/bin/ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout


def test_what_a_killed_agent_left_is_ended(box: Sandbox, directories: Directories) -> None:
    process = box.start(
        ["/bin/sleep", "60"], directories, cwd=box.inside(directories).work, environment={"PATH": "/usr/bin:/bin"}
    )
    sandbox.end_leftovers(directories.work.parent.parent / "other")
    assert process.popen.poll() is None
    sandbox.end_leftovers(directories.work.parent)
    output(process)
    assert process.popen.returncode != 0


def test_nothing_is_run_for_an_agent_that_is_gone(tmp_path: Path) -> None:
    launched = ["/bin/sh", "-c", sandbox.LAUNCHER, "sh", "1000", "0", "/bin/echo", "run"]
    done = subprocess.run(launched, input=b"", capture_output=True, cwd=tmp_path, check=False)  # noqa: S603
    assert (done.returncode, done.stdout) == (125, b"")
    done = subprocess.run(launched, input=b"go\n", capture_output=True, cwd=tmp_path, check=False)  # noqa: S603
    assert (done.returncode, done.stdout) == (0, b"run\n")


def test_why_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "find_bwrap", lambda: None)
    sandbox.why_unavailable.cache_clear()
    assert sandbox.why_unavailable() == "bubblewrap is not installed"
    monkeypatch.setattr(sandbox, "find_bwrap", lambda: Path("/bin/false"))
    sandbox.why_unavailable.cache_clear()
    assert not sandbox.available()
    assert sandbox.why_unavailable() == "bubblewrap ends with 1"
    sandbox.why_unavailable.cache_clear()


def test_the_agent_is_small() -> None:
    names = ("flask", "sqlalchemy", "orjson", "pysequoia")
    code = f"import sys; import app.agent.main; print([name for name in {names} if name in sys.modules])"
    command = [sys.executable, "-c", code]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "[]\n"  # noqa: S603
