"""Evaluates policies inside the sandbox: a program of its own, which imports nothing of the agent.

It reads ``request.json`` in the folder that it is given, and prints one line of JSON for each policy as soon as it is
evaluated. So what was done before the time was over is known. Nobody trusts what it prints.
"""

import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

ITEMS = 100
OUTPUT_BYTES = 64 * 1024
ERROR_LENGTH = 1_000
# What reaches into the network, or tells something of the machine.
FORBIDDEN = ("http.send", "net.lookup_ip_addr", "opa.runtime")

Json = Any
Evaluate = Callable[[dict[str, Any], dict[str, Any]], Json]


class Wrong(Exception):
    """A policy that can't be evaluated; the text is for its author."""


def main(folder: Path) -> None:
    """Evaluate every policy of the request from the given one on."""
    request = json.loads((folder / "request.json").read_text())
    limit = request["memory"]
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    position = 0
    for policy_set in request["sets"]:
        engine: Evaluate | None = None
        for policy in policy_set["policies"]:
            position += 1
            if position <= request["done"]:
                continue
            try:
                engine = engine or open_engine(request, folder, policy_set)
                told = judge(engine(policy_set, policy))
            except Wrong as error:
                told = {"status": "errored", "output": [{"error": str(error)[:ERROR_LENGTH]}]}
            except MemoryError:
                told = {"status": "errored", "output": [{"error": "The policy needs too much memory"}]}
            sys.stdout.write(json.dumps(told) + "\n")
            sys.stdout.flush()


def judge(value: Json) -> dict[str, Any]:
    """What the result of a query means: an empty array passes, and its items say what is wrong."""
    if not isinstance(value, list):
        kinds = {dict: "an object", str: "a text", bool: "true or false", type(None): "null"}
        shown = kinds.get(type(value), "a number")
        raise Wrong(f"The query must give an array or a set, which is empty if nothing is wrong, and gives {shown}")
    kept, size = [], 0
    for item in value[:ITEMS]:
        size += len(json.dumps(item))
        if size > OUTPUT_BYTES:
            break
        kept.append(item)
    if len(kept) < len(value):
        kept.append(f"(and {len(value) - len(kept)} more)")
    return {"status": "failed" if value else "passed", "output": kept}


def open_engine(request: dict[str, Any], folder: Path, policy_set: dict[str, Any]) -> Evaluate:
    """The engine with the input of a set: that of the package, or the program of OPA where there is one."""
    plan = (folder / "plan.json").read_text(encoding="utf-8", errors="replace")
    rest = json.dumps({"run": request["run"], "params": policy_set["parameters"]})
    text = f'{{"plan":{plan},{rest[1:]}'
    return open_opa(request["opa"], text) if request["opa"] else open_regorus(folder, text)


def open_regorus(folder: Path, text: str) -> Evaluate:
    """The engine of the package, which lies beside the request."""
    sys.path.insert(0, str(folder / "engine"))
    try:
        import regorus  # noqa: PLC0415 - only here is it ever loaded
    except ImportError as error:
        raise Wrong(f"The agent has no engine for policies: {error}") from error
    base = regorus.Engine()
    base.set_input_json(text)

    def load(code: str, version: str) -> Any:  # noqa: ANN401 - an engine
        is_old = version.startswith("0.")
        engine = base.clone()
        engine.set_rego_v0(is_old)
        try:
            engine.add_policy("policy.rego", code)
        except Exception as first:
            if version or is_old:
                raise
            # Where no version is asked for, the language before 1.0 is understood, too.
            older = base.clone()
            older.set_rego_v0(True)
            try:
                older.add_policy("policy.rego", code)
            except Exception:  # noqa: BLE001 - the error of the language of today says more
                raise first from None
            return older
        return engine

    def evaluate(policy_set: dict[str, Any], policy: dict[str, Any]) -> Json:
        try:
            engine = load(code_of(policy), (policy_set["tool-version"] or "").removeprefix("v"))
            found = json.loads(engine.eval_query_as_json(policy["query"]))
        except (MemoryError, Wrong):
            raise
        except Exception as error:
            raise Wrong(str(error).partition("\n\nStack backtrace")[0].strip()) from error
        return only_value(found)

    return evaluate


def open_opa(program: str, text: str) -> Evaluate:
    """The program of OPA that the operator has set, without what reaches out of the sandbox."""
    work = Path.cwd()
    (work / "input.json").write_text(text)
    known = json.loads(run_opa([program, "capabilities", "--current"]))
    known["builtins"] = [each for each in known["builtins"] if each["name"] not in FORBIDDEN]
    known["allow_net"] = []
    (work / "capabilities.json").write_text(json.dumps(known))

    def evaluate(policy_set: dict[str, Any], policy: dict[str, Any]) -> Json:
        (work / "policy.rego").write_text(code_of(policy))
        old = ["--v0-compatible"] if (policy_set["tool-version"] or "").removeprefix("v").startswith("0.") else []
        given = ["--input", "input.json", "--data", "policy.rego", "--capabilities", "capabilities.json", *old]
        return only_value(json.loads(run_opa([program, "eval", "--format", "json", *given, policy["query"]])))

    return evaluate


def code_of(policy: dict[str, Any]) -> str:
    """The code of a policy, if it was uploaded."""
    if policy["code"] is None:
        raise Wrong(policy["missing"])
    return str(policy["code"])


def run_opa(command: list[str]) -> str:
    """What the program prints."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - within the sandbox
    if done.returncode:
        raise Wrong((done.stderr.strip() or done.stdout.strip())[:ERROR_LENGTH])
    return done.stdout


def only_value(found: dict[str, Any]) -> Json:
    """The value of a query in the form of OPA's answers."""
    results = found.get("result") or []
    if len(results) != 1 or len(results[0].get("expressions") or []) != 1:
        raise Wrong("The query gives nothing: no rule of this name is defined for this plan")
    return results[0]["expressions"][0]["value"]


if __name__ == "__main__":
    os.environ.setdefault("RUST_BACKTRACE", "0")
    main(Path(sys.argv[1]))
