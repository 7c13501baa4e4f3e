"""Downloads releases of Terraform and OpenTofu, and trusts only what its publisher has signed."""

import fcntl
import hashlib
import json
import os
import platform
import re
import shutil
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import urllib3

from app.agent import constraints
from app.agent.constraints import Constraint
from app.agent.settings import MIB, Releases

MOST_BYTES = 500 * MIB
SMALL_BYTES = 64 * MIB
PROGRAMS = {"terraform": "terraform", "opentofu": "tofu"}
LOCK_SECONDS = 600
ARCHITECTURES = {
    "x86_64": "amd64",
    "amd64": "amd64",
    "aarch64": "arm64",
    "arm64": "arm64",
    "armv7l": "arm",
    "i686": "386",
}


class NotDownloaded(Exception):
    """A release that can't be had; the text says why."""


def this_platform() -> str:
    """This machine as releases name it, such as linux_amd64."""
    machine = platform.machine().lower()
    return f"{platform.system().lower()}_{ARCHITECTURES.get(machine, machine)}"


class Downloads:
    """Keeps downloaded releases in a folder; several agents may share it."""

    def __init__(self, folder: Path, releases: Releases) -> None:
        self._folder = folder
        self._releases = releases
        self._http = urllib3.PoolManager(
            retries=urllib3.Retry(2, backoff_factor=0.5), timeout=urllib3.Timeout(connect=5, read=60)
        )

    def present(self, tool: str) -> list[tuple[str, Path]]:
        """What was downloaded before."""
        folder = self._folder / tool
        if not folder.is_dir():
            return []
        found = [(path.name, path / "bin" / PROGRAMS[tool]) for path in folder.iterdir()]
        return [(version, path) for version, path in found if constraints.VERSION.fullmatch(version) and path.is_file()]

    def get(self, tool: str, constraint: Constraint, ended: Callable[[], bool]) -> tuple[str, Path]:
        """The newest release that a constraint allows."""
        keys = self._keys(tool)
        version = constraint.exact or constraint.newest(self._index(tool))
        if version is None:
            raise NotDownloaded(f"no release fits {constraint.text}.")
        target = self._folder / tool / version
        program = target / "bin" / PROGRAMS[tool]
        _open_folder(self._folder)
        with _locked(self._folder / f".{tool}-{version}.lock", ended):
            # Another slot or agent may have been faster.
            if not program.is_file():
                self._download(tool, version, keys, target)
        return version, program

    def _keys(self, tool: str) -> bytes:
        if self._releases.keys is None:
            raise NotDownloaded(
                "no key is set up to check its signature (GROUNDPLAN_RELEASE_KEYS, a folder with terraform.asc and "
                "opentofu.asc)."
            )
        path = self._releases.keys / f"{tool}.asc"
        try:
            return path.read_bytes()
        except OSError as error:
            raise NotDownloaded(f"the key {path} to check its signature can't be read ({error.strerror}).") from error

    def _index(self, tool: str) -> list[str]:
        address = self._releases.terraform_index if tool == "terraform" else self._releases.opentofu_index
        try:
            versions = json.loads(self._fetch(address))["versions"]
            if isinstance(versions, dict):
                return [str(version) for version in versions]
            return [
                str(version["id"] if isinstance(version, dict) else version).removeprefix("v") for version in versions
            ]
        except (ValueError, LookupError, TypeError) as error:
            raise NotDownloaded(f"the list of releases at {address} can't be read.") from error

    def _download(self, tool: str, version: str, keys: bytes, target: Path) -> None:
        if tool == "terraform":
            base = f"{self._releases.terraform}/{version}/terraform_{version}"
            signature = f"{base}_SHA256SUMS.sig"
        else:
            base = f"{self._releases.opentofu}/v{version}/tofu_{version}"
            signature = f"{base}_SHA256SUMS.gpgsig"
        archive = f"{base}_{this_platform()}.zip"
        sums = self._fetch(f"{base}_SHA256SUMS")
        check_signature(sums, self._fetch(signature), keys)
        expected = _find_sum(sums, archive.rpartition("/")[2])
        with tempfile.TemporaryDirectory(dir=self._folder, prefix=".new-") as name:
            folder = Path(name)
            self._fetch_file(archive, folder / "release.zip", expected)
            _extract(folder / "release.zip", PROGRAMS[tool], folder / "bin")
            (folder / "release.zip").unlink()
            folder.chmod(0o755)
            _open_folder(target.parent)
            if target.exists():
                shutil.rmtree(target)
            folder.rename(target)
            # So that the context has something to remove.
            folder.mkdir()

    def _fetch(self, address: str) -> bytes:
        with self._response(address) as response:
            data = response.read(SMALL_BYTES + 1)
        if len(data) > SMALL_BYTES:
            raise NotDownloaded(f"{address} is too large.")
        return data

    def _fetch_file(self, address: str, target: Path, expected: str) -> None:
        digest = hashlib.sha256()
        length = 0
        with self._response(address) as response, target.open("wb") as file:
            for piece in response.stream(MIB):
                length += len(piece)
                if length > MOST_BYTES:
                    raise NotDownloaded(f"{address} is too large.")
                digest.update(piece)
                file.write(piece)
        if digest.hexdigest() != expected:
            raise NotDownloaded(f"{address} has another checksum than the signed one. It was thrown away.")

    @contextmanager
    def _response(self, address: str) -> Iterator[urllib3.BaseHTTPResponse]:
        try:
            response = self._http.request("GET", address, preload_content=False)
            try:
                if response.status != 200:  # noqa: PLR2004 - statuses of HTTP
                    raise NotDownloaded(f"{address} answers with {response.status}.")
                yield response
            finally:
                response.release_conn()
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise NotDownloaded(f"{address} can't be reached.") from error


def check_signature(data: bytes, signature: bytes, keys: bytes) -> None:
    """Raise NotDownloaded unless one of these keys has signed the data, and may do so today."""
    # Only an agent that downloads needs it, and it takes its memory.
    from pysequoia import Cert, Sig, verify  # noqa: PLC0415

    try:
        certificates = list(Cert.split_bytes(keys))
        parsed = Sig.from_bytes(signature)
        verify(data, store=lambda _: certificates, signature=parsed)
    except Exception as error:
        raise NotDownloaded(f"the signature of its checksums is not good ({_short(error)}).") from error


def _open_folder(folder: Path) -> None:
    """Make a folder that Terraform's user may enter."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)


def _short(error: Exception) -> str:
    return re.sub(r"\s+", " ", str(error))[:200]


def _find_sum(sums: bytes, name: str) -> str:
    for line in sums.decode("ascii", "replace").splitlines():
        digest, _, file = line.partition("  ")
        if file.strip().removeprefix("*") == name:
            return digest.strip().lower()
    raise NotDownloaded(f"it has no build for this machine ({name}).")


def _extract(archive: Path, program: str, folder: Path) -> None:
    folder.mkdir()
    folder.chmod(0o755)
    try:
        with (
            zipfile.ZipFile(archive) as opened,
            opened.open(program) as source,
            (folder / program).open("wb") as target,
        ):
            length = 0
            while piece := source.read(MIB):
                length += len(piece)
                if length > MOST_BYTES:
                    raise NotDownloaded(f"{program} in the archive is too large.")
                target.write(piece)
    except (zipfile.BadZipFile, KeyError) as error:
        raise NotDownloaded(f"the archive has no {program}.") from error
    (folder / program).chmod(0o755)


@contextmanager
def _locked(path: Path, ended: Callable[[], bool]) -> Iterator[None]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    due = time.monotonic() + LOCK_SECONDS
    try:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if ended() or time.monotonic() > due:
                    raise NotDownloaded("somebody else downloads it and does not end.") from None
                time.sleep(0.1)
        yield
    finally:
        os.close(descriptor)
