"""Which version a run gets, and that nothing unsigned is ever run."""

import hashlib
import io
import threading
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from pysequoia import SignatureMode, Tsk, sign

from app.agent.constraints import BadConstraint, parse
from app.agent.downloads import Downloads, this_platform
from app.agent.settings import Releases
from app.agent.versions import NoVersion, Versions

PROGRAM = '#!/bin/sh\necho \'{"terraform_version":"%s"}\'\n'


class Mirror:
    """A server of releases, signed by a key of the test."""

    def __init__(self) -> None:
        self.key = Tsk.generate("Publisher <publisher@example.com>")
        self.files: dict[str, bytes] = {}
        self.asked: list[str] = []
        mirror = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                mirror.asked.append(self.path)
                data = mirror.files.get(self.path)
                self.send_response(200 if data is not None else 404)
                self.send_header("Content-Length", str(len(data or b"")))
                self.end_headers()
                self.wfile.write(data or b"")

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def add(self, version: str, tool: str = "terraform") -> None:
        program = {"terraform": "terraform", "opentofu": "tofu"}[tool]
        folder = f"/terraform/{version}" if tool == "terraform" else f"/opentofu/v{version}"
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr(program, PROGRAM % version)
        name = f"{program}_{version}_{this_platform()}.zip"
        self.files[f"{folder}/{name}"] = packed.getvalue()
        sums = f"{'0' * 64}  other.zip\n{hashlib.sha256(packed.getvalue()).hexdigest()}  {name}\n".encode()
        ending = "sig" if tool == "terraform" else "gpgsig"
        self.files[f"{folder}/{program}_{version}_SHA256SUMS"] = sums
        self.files[f"{folder}/{program}_{version}_SHA256SUMS.{ending}"] = self.sign(sums)

    def sign(self, data: bytes) -> bytes:
        return bytes(sign(self.key.signer(), data, mode=SignatureMode.DETACHED))


@pytest.fixture
def mirror() -> Iterator[Mirror]:
    mirror = Mirror()
    mirror.add("1.9.8")
    mirror.add("1.10.5")
    mirror.add("1.11.0-rc1")
    mirror.add("1.8.1", "opentofu")
    mirror.files["/terraform/index.json"] = b'{"versions": {"1.9.8": {}, "1.10.5": {}, "1.11.0-rc1": {}}}'
    mirror.files["/api.json"] = b'{"versions": [{"id": "1.8.1"}]}'
    yield mirror
    mirror.server.shutdown()
    mirror.server.server_close()


@pytest.fixture
def releases(mirror: Mirror, tmp_path: Path) -> Releases:
    keys = tmp_path / "keys"
    keys.mkdir()
    for tool in ("terraform", "opentofu"):
        (keys / f"{tool}.asc").write_bytes(bytes(mirror.key.extract_certificate()))
    return Releases(
        terraform=f"{mirror.url}/terraform",
        terraform_index=f"{mirror.url}/terraform/index.json",
        opentofu=f"{mirror.url}/opentofu",
        opentofu_index=f"{mirror.url}/api.json",
        keys=keys,
    )


def installed(folder: Path, version: str, program: str = "terraform") -> Path:
    path = folder / program
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(PROGRAM % version)
    path.chmod(0o755)
    return path


def versions(tmp_path: Path, releases: Releases, tools: Path | None = None, search: str = "") -> Versions:
    return Versions(tools, Downloads(tmp_path / "downloaded", releases), search)


def test_the_operator_s_come_first(tmp_path: Path, releases: Releases, mirror: Mirror) -> None:
    tools = tmp_path / "operator"
    own = installed(tools / "terraform" / "1.10.5" / "bin", "1.10.5")
    installed(tools / "terraform" / "not-a-version" / "bin", "9")
    tofu = installed(tools / "opentofu" / "1.8.0" / "bin", "1.8.0", "tofu")
    on_path = installed(tmp_path / "path", "1.11.4")
    found = versions(tmp_path, releases, tools, str(on_path.parent))
    assert found.at_hand() == {"terraform": ["1.10.5", "1.11.4"], "opentofu": ["1.8.0"]}
    assert found.find("terraform", "1.10.5").path == own
    assert found.find("terraform", "latest").path == on_path
    assert found.find("terraform", "~> 1.10.0").path == own
    assert found.find("opentofu", ">= 1.7, < 2").path == tofu
    assert mirror.asked == []


def test_a_program_on_the_path_must_be_that_version(tmp_path: Path, releases: Releases) -> None:
    path = installed(tmp_path / "path", "1.11.4")
    path.write_text("#!/bin/sh\nexit 1\n")
    assert versions(tmp_path, releases, search=str(path.parent)).at_hand() == {"terraform": [], "opentofu": []}


def test_what_is_missing_is_downloaded_once(tmp_path: Path, releases: Releases, mirror: Mirror) -> None:
    found = versions(tmp_path, releases)
    program = found.find("terraform", "1.9.8")
    assert program.version == "1.9.8"
    assert program.path.read_text() == PROGRAM % "1.9.8"
    assert program.path.stat().st_mode & 0o777 == 0o755
    asked = len(mirror.asked)
    assert found.find("terraform", "1.9.8").path == program.path
    assert len(mirror.asked) == asked
    assert found.at_hand()["terraform"] == ["1.9.8"]


@pytest.mark.parametrize(
    ("tool", "wanted", "version"),
    [
        ("terraform", "latest", "1.10.5"),
        ("terraform", "~> 1.9.0", "1.9.8"),
        ("terraform", "1.11.0-rc1", "1.11.0-rc1"),
        ("opentofu", "latest", "1.8.1"),
    ],
)
def test_the_index_says_what_there_is(tool: str, wanted: str, version: str, tmp_path: Path, releases: Releases) -> None:
    assert versions(tmp_path, releases).find(tool, wanted).version == version


def test_two_slots_download_once(tmp_path: Path, releases: Releases, mirror: Mirror) -> None:
    found = [versions(tmp_path, releases) for _ in range(4)]
    results: list[str] = []
    threads = [
        threading.Thread(target=lambda each=each: results.append(each.find("terraform", "1.9.8").version))
        for each in found
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == ["1.9.8"] * 4
    assert sum(path.endswith(".zip") for path in mirror.asked) == 1


def spoil_archive(mirror: Mirror, _: Path) -> None:
    name = next(path for path in mirror.files if path.endswith(".zip"))
    mirror.files[name] += b"more"


def spoil_sums(mirror: Mirror, _: Path) -> None:
    mirror.files["/terraform/1.9.8/terraform_1.9.8_SHA256SUMS"] += b"0  more\n"


def sign_by_another(mirror: Mirror, _: Path) -> None:
    mirror.key = Tsk.generate("Somebody <else@example.com>")
    mirror.add("1.9.8")


def spoil_key(_: Mirror, keys: Path) -> None:
    (keys / "terraform.asc").write_text("no key")


def remove_key(_: Mirror, keys: Path) -> None:
    (keys / "terraform.asc").unlink()


def remove_build(mirror: Mirror, _: Path) -> None:
    sums = b"0  terraform_1.9.8_plan9_mips.zip\n"
    mirror.files["/terraform/1.9.8/terraform_1.9.8_SHA256SUMS"] = sums
    mirror.files["/terraform/1.9.8/terraform_1.9.8_SHA256SUMS.sig"] = mirror.sign(sums)


def remove_all(mirror: Mirror, _: Path) -> None:
    mirror.files.clear()


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (spoil_archive, "another checksum"),
        (spoil_sums, "signature of its checksums is not good"),
        (sign_by_another, "signature of its checksums is not good"),
        (spoil_key, "signature of its checksums is not good"),
        (remove_key, "can't be read"),
        (remove_build, "no build for this machine"),
        (remove_all, "answers with 404"),
    ],
)
def test_what_is_not_as_its_publisher_made_it_is_not_run(
    spoil: Callable[[Mirror, Path], None], told: str, tmp_path: Path, releases: Releases, mirror: Mirror
) -> None:
    assert releases.keys is not None
    spoil(mirror, releases.keys)
    found = versions(tmp_path, releases)
    with pytest.raises(NoVersion, match=told):
        found.find("terraform", "1.9.8")
    assert found.at_hand()["terraform"] == []
    assert [path for path in (tmp_path / "downloaded").glob("*") if not path.name.endswith(".lock")] == []


def test_without_a_key_nothing_is_downloaded(tmp_path: Path, releases: Releases, mirror: Mirror) -> None:
    found = versions(tmp_path, replace(releases, keys=None))
    with pytest.raises(
        NoVersion, match=r"1\.9\.8 is not at hand on this agent \(it has: none\).*GROUNDPLAN_RELEASE_KEYS"
    ):
        found.find("terraform", "1.9.8")
    assert mirror.asked == []


def test_a_mirror_that_is_away(tmp_path: Path, releases: Releases) -> None:
    gone = replace(releases, terraform_index="http://127.0.0.1:1/index.json")
    with pytest.raises(NoVersion, match=r"http://127\.0\.0\.1:1/index\.json can't be reached"):
        versions(tmp_path, gone).find("terraform", "latest")


def test_no_release_fits(tmp_path: Path, releases: Releases) -> None:
    with pytest.raises(NoVersion, match="no release fits >= 2"):
        versions(tmp_path, releases).find("terraform", ">= 2")
    with pytest.raises(NoVersion, match="Correct it in the workspace"):
        versions(tmp_path, releases).find("terraform", "newest")
    with pytest.raises(NoVersion, match="knows terraform and opentofu, not pulumi"):
        versions(tmp_path, releases).find("pulumi", "1.0.0")


@pytest.mark.parametrize(
    ("text", "allowed", "refused"),
    [
        ("1.11.4", ["1.11.4"], ["1.11.3", "1.11.4-rc1"]),
        ("v1.11.4", ["1.11.4"], ["1.11.5"]),
        ("= 1.5", ["1.5.0"], ["1.5.1"]),
        ("~> 1.11", ["1.11.0", "1.12.3"], ["1.10.9", "2.0.0"]),
        ("~> 1.11.2", ["1.11.2", "1.11.9"], ["1.12.0", "1.11.1"]),
        ("~> 1", ["1.0.0", "1.9.9"], ["2.0.0"]),
        (">= 1.5, < 2", ["1.5.0", "1.99.0"], ["2.0.0", "1.4.9", "1.6.0-beta1"]),
        ("> 1.5.0, <= 1.6.0, != 1.5.3", ["1.5.1", "1.6.0"], ["1.5.0", "1.5.3"]),
        ("1.6.0-beta2", ["1.6.0-beta2"], ["1.6.0", "1.6.0-beta1"]),
        ("latest", ["0.1.0", "9.9.9"], ["9.9.9-alpha"]),
    ],
)
def test_constraints(text: str, allowed: list[str], refused: list[str]) -> None:
    constraint = parse(text)
    assert [version for version in allowed + refused if constraint.allows(version)] == allowed


def test_the_newest() -> None:
    assert parse("latest").newest(["1.9.0", "1.10.0", "1.11.0-rc1", "x"]) == "1.10.0"
    assert parse(">= 2").newest(["1.9.0"]) is None


@pytest.mark.parametrize("text", ["", "newest", "~>", "1.x", ">= 1,", "=> 1.0", "1.2.3.4.5"])
def test_what_is_no_constraint(text: str) -> None:
    with pytest.raises(BadConstraint):
        parse(text)
