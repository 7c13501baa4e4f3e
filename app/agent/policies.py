"""Evaluates the policies that count for a plan, in a sandbox without a network, within limits of time and memory."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.agent import policy_evaluator
from app.agent.client import Document
from app.agent.directory import remove_tree
from app.agent.sandbox import Directories, Process, Sandbox
from app.agent.settings import MIB, Settings
from app.agent.terraform import Control
from app.agent.walls import SYSTEM

# What the evaluator may print in all.
OUTPUT_BYTES = 8 * MIB
PIECE = 64 * 1024
TOO_LONG = "The policies took longer than they may, {} seconds"
ENDED = "The engine ended before it was done: the policy needs too much memory, or is not understood"
NO_ENGINE = "The agent has no engine for policies; its operator installs gordon-to-regorus, or sets GROUNDPLAN_OPA"

Masked = Callable[[str], str]


@dataclass(frozen=True)
class Evaluator:
    """Evaluates policies for one plan."""

    settings: Settings
    sandbox: Sandbox
    control: Control

    def evaluate(self, asked: Document, plan: Path, folder: Path, mask: Masked) -> Document:
        """What the policies say about the plan; `folder` is made for it, and removed."""
        try:
            lines = self._evaluate(asked, plan, folder)
        finally:
            remove_tree(folder)
        told = iter([_masked(each, mask) for each in lines])
        return {
            "sets": [{"id": each["id"], "policies": [next(told) for _ in each["policies"]]} for each in asked["sets"]]
        }

    def _evaluate(self, asked: Document, plan: Path, folder: Path) -> list[Document]:
        count = sum(len(each["policies"]) for each in asked["sets"])
        engine = find_engine()
        if engine is None and self.settings.opa is None:
            return [errored(NO_ENGINE)] * count
        directories = self._prepare(plan, folder, engine)
        told: list[Document] = []
        seconds = self.settings.limits.policy_seconds
        is_late = threading.Event()
        timer = threading.Timer(seconds, is_late.set)
        timer.start()
        try:
            while len(told) < count and not is_late.is_set():
                before = len(told)
                self._write_request(asked, directories.input, before)
                told += self._run(directories, count - before, is_late)
                if len(told) == before and not is_late.is_set():
                    # The one that it was about.
                    told.append(errored(ENDED))
        finally:
            timer.cancel()
        return told + [errored(TOO_LONG.format(seconds))] * (count - len(told))

    def _prepare(self, plan: Path, folder: Path, engine: Path | None) -> Directories:
        """The folders that the evaluator sees."""
        remove_tree(folder)
        directories = Directories(folder / "work", folder / "input", folder / "cache")
        for path in (folder, directories.work, directories.input, directories.cache):
            path.mkdir()
            path.chmod(0o711)
        self.sandbox.own(directories.work)
        shutil.copyfile(plan, directories.input / "plan.json")
        shutil.copyfile(policy_evaluator.__file__, directories.input / "evaluator.py")
        for name in ("plan.json", "evaluator.py"):
            self.sandbox.own(directories.input / name)
        if engine is not None:
            # The folder of the packages may be closed to the user in the sandbox.
            copied = directories.input / "engine" / engine.name
            shutil.copytree(engine, copied, ignore=shutil.ignore_patterns("__pycache__"))
            for path in (copied.parent, copied, *copied.rglob("*")):
                path.chmod(0o755)
        return directories

    def _write_request(self, asked: Document, folder: Path, done: int) -> None:
        opa = self.settings.opa
        request = {
            "sets": [{**each, "parameters": _by_key(each["parameters"])} for each in asked["sets"]],
            "run": asked["run"],
            "done": done,
            # The program of OPA reserves much more than it uses.
            "memory": self.settings.limits.policy_memory * (1 if opa is None else 8),
            "opa": None if opa is None else str(self.sandbox.find_inside(opa)),
        }
        path = folder / "request.json"
        path.unlink(missing_ok=True)
        path.write_text(json.dumps(request), encoding="utf-8")
        self.sandbox.own(path)

    def _run(self, directories: Directories, most: int, is_late: threading.Event) -> list[Document]:
        """Run the evaluator once: what it told before it ended, or was ended."""
        inside = self.sandbox.inside(directories)
        interpreter, seen = find_python(self.sandbox)
        opa = self.settings.opa
        printed = bytearray()

        def start() -> Process:
            return self.sandbox.start(
                [str(interpreter), "-I", "-S", str(inside.input / "evaluator.py"), str(inside.input)],
                directories,
                cwd=inside.work,
                environment={
                    "LANG": "C.UTF-8",
                    "PYTHONDONTWRITEBYTECODE": "1",
                    "RUST_BACKTRACE": "0",
                    "GOMEMLIMIT": f"{self.settings.limits.policy_memory // 1024}KiB",
                },
                readable=seen,
                program=opa,
                # What a policy prints is no result.
                errors=subprocess.DEVNULL,
                network=False,
            )

        def use(process: Process) -> None:
            output = process.popen.stdout
            assert output is not None
            watcher = threading.Thread(target=_kill_when, args=(is_late, process), daemon=True)
            watcher.start()
            with output:
                while data := os.read(output.fileno(), PIECE):
                    printed.extend(data)
                    if len(printed) > OUTPUT_BYTES:
                        process.kill()

        self.control.run(start, use)
        return _read(bytes(printed), most)


def find_engine() -> Path | None:
    """The folder of the package with the engine, which the agent itself never loads."""
    spec = importlib.util.find_spec("regorus")
    places = None if spec is None else spec.submodule_search_locations
    return Path(next(iter(places))) if places else None


def find_python(sandbox: Sandbox) -> tuple[Path, list[Path]]:
    """The Python that the evaluator runs on, and what of it must be shown to the sandbox.

    That of the agent may be closed to the user in the sandbox; then it is the system's. The engine works with both.
    """
    own, base = (Path(os.path.realpath(path)) for path in (sys.executable, sys.base_prefix))
    if own.is_relative_to(SYSTEM):
        return own, []
    if sandbox.may_enter(base):
        return own, [base]
    return SYSTEM / "bin" / "python3", []


def errored(text: str) -> Document:
    """A policy that could not be evaluated."""
    return {"status": "errored", "output": [{"error": text}]}


def _kill_when(is_late: threading.Event, process: Process) -> None:
    while process.popen.poll() is None:
        if is_late.wait(0.2):
            process.kill()
            return


def _read(printed: bytes, most: int) -> list[Document]:
    """The whole lines that are as they should be, up to the first that is not."""
    told: list[Document] = []
    for line in printed.split(b"\n")[:-1][:most]:
        try:
            said = json.loads(line)
            if said["status"] not in {"passed", "failed", "errored"} or not isinstance(said["output"], list):
                break
        except (ValueError, KeyError, TypeError):
            break
        told.append({"status": said["status"], "output": said["output"]})
    return told


def _by_key(parameters: Sequence[Document]) -> dict[str, Any]:
    return {str(each["key"]): each["value"] for each in parameters}


def _masked(value: Any, mask: Masked) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, list):
        return [_masked(each, mask) for each in value]
    if isinstance(value, dict):
        return {mask(str(name)): _masked(each, mask) for name, each in value.items()}
    return value
