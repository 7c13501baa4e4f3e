"""The tests around the files that changed since ``main``, committed or not: what ``make quick`` runs.

- A test file stands for itself, a ``conftest.py`` for its folder, and a helper for the files that import it.
- A resource or a model, ``app/resources/DOMAIN/…`` or ``app/models/TYPE.py``, stands for the tests of its domain.
- Another package, ``app/PACKAGE/…``, stands for ``tests/PACKAGE`` and for what ``OTHERS`` names beside it.
- ``tests/guards``, which hold the whole repository to its rules, are always run.
- Contract and end-to-end tests are not, unless they themselves have changed: ``make test`` is for those.
"""

import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
TESTS = ROOT / "tests"
RESOURCES = ROOT / "app" / "resources"
GUARDS = TESTS / "guards"
ALL_RESOURCES = ("resources",)

# By the file or folder in app/, and by others of the repository: what else than the folder of the same name.
OTHERS = {
    "application.py": ("web",),
    "agent": ("agent", "agent_scaler"),
    "downgrade.py": ("test_downgrade.py",),
    "companions": ("end_to_end/test_wheel.py",),
    "main.py": ("end_to_end/test_serve.py", "end_to_end/test_wheel.py"),
    "start_faults.py": ("test_start_faults.py",),
    "deploy": ("guards/test_deployment.py", "guards/test_kubernetes.py", "agent_scaler"),
    "deploy/Dockerfile": ("end_to_end/test_container.py", "guards/test_deployment.py"),
    "background.py": ("analytics",),
    "bootstrap.py": ("test_bootstrap.py",),
    "cli.py": ("test_bootstrap.py", "test_set_password.py"),
    "config.py": ("test_config.py",),
    "jsonapi": ("web",),
    "mail": ("resources/access/test_invitations_by_mail.py",),
    "migrate.py": ("persistence",),
    "openapi": ("contract/test_openapi.py",),
    "outbound.py": ("test_outbound.py", "resources/notifications", "resources/run_tasks"),
    "services.py": ("web",),
    "task_commands.py": ("resources/platform",),
    "migrations": ("persistence",),
    "embedded.py": ("agent",),
    "embedded_agents.py": ("agent",),
    "embedded_workers.py": ("worker",),
    "gunicorn.conf.py": ("web",),
}
# Models that several domains, or that only the web layer and other packages look at.
OF_SEVERAL = {
    "images": ("resources/projects/test_images.py",),
    "run_notifications": ("resources/notifications",),
    "run_task_parts": ("resources/run_tasks",),
    "run_tasks": ("resources/run_tasks",),
    "sign_in": ("resources/accounts",),
    "tag_bindings": ("resources/projects", "resources/workspaces"),
    "workspace_deletion": ("resources/projects", "resources/workspaces"),
}


def tests_around(changed: str) -> set[Path]:
    """The test files and folders around a file; it is named by its path in the repository."""
    parts = Path(changed).parts
    if parts[0] == "tests":
        return _around_test(ROOT / changed)
    if parts[0] != "app":
        return _named(parts[0])
    if len(parts) > 3 and parts[1] == "resources":
        domain = TESTS / "resources" / parts[2]
        return {domain} if domain.is_dir() else {TESTS / "resources"}
    if len(parts) > 2 and parts[1] == "models":
        return _around_model(Path(changed).stem)
    return _named(parts[1])


def _named(part: str) -> set[Path]:
    folder = TESTS / part
    return {TESTS / name for name in OTHERS.get(part, ())} | ({folder} if folder.is_dir() else set())


def _around_model(name: str) -> set[Path]:
    if name in OF_SEVERAL:
        return {TESTS / place for place in OF_SEVERAL[name]}
    domains = {TESTS / "resources" / folder.parent.name for folder in RESOURCES.glob(f"*/{name}")}
    return {domain for domain in domains if domain.is_dir()} or {TESTS / "persistence"}


def _around_test(path: Path) -> set[Path]:
    if path.parent == TESTS and path.name == "conftest.py":
        # That of all tests: enough of them to see that it works.
        return {TESTS / "persistence", TESTS / "web"}
    if path.name == "conftest.py":
        return {path.parent}
    if path.name.startswith("test_"):
        return {path} if path.is_file() else set()
    module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    importing = (each for each in TESTS.rglob("*.py") if f"from {module} import" in each.read_text(encoding="utf-8"))
    files = {each for each in importing if each != path}
    return {test for each in files for test in (_around_test(each) if each.name != "conftest.py" else ())}


def chosen(changed: Iterable[str]) -> list[Path]:
    """The tests around the files, each once; files of a folder that is run anyway are left out."""
    found = {GUARDS}.union(*(tests_around(each) for each in changed))
    return sorted(each for each in found if found.isdisjoint(each.parents))


def changed_files() -> Iterator[str]:
    """The files that differ from where this branch left ``main``, and those that git does not know yet."""
    for main in ("main", "origin/main"):
        base = _git("merge-base", main, "HEAD")
        if base:
            break
    else:
        base = ["HEAD"]
    yield from _git("diff", "--name-only", base[0])
    yield from _git("ls-files", "--others", "--exclude-standard")


def _git(*arguments: str) -> list[str]:
    command = ["git", "-c", f"safe.directory={ROOT}", *arguments]
    finished = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603
    return finished.stdout.splitlines()


if __name__ == "__main__":
    sys.stdout.write(" ".join(str(path.relative_to(ROOT)) for path in chosen(changed_files())) + "\n")
