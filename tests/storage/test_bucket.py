"""Objects in a bucket, against an S3 service within the tests."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from flask import Flask

from app.services import services
from app.storage.keyring import DecryptionError, Keyring
from app.storage.ledger import register
from app.storage.objects import PART, BucketStore
from app.storage.store import ObjectNotFound
from app.storage.sweeping import sweep
from app.storage.vault import Vault
from app.variables import Bucket, InvalidSettingError, bucket_of

SECONDS_TO_START = 60

pytestmark = [pytest.mark.filterwarnings("default"), pytest.mark.one_database]


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    # A process of its own, because it keeps 200 MB.
    log = tmp_path_factory.mktemp("s3") / "log"
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"]
    with log.open("wb") as file, subprocess.Popen(command, stdout=file, stderr=file) as server:  # noqa: S603 - our own command
        try:
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("AWS_ACCESS_KEY_ID", "testing")
                patch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
                yield where_it_answers(log)
        finally:
            server.kill()


def where_it_answers(log: Path) -> str:
    deadline = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < deadline:
        if found := re.search(r"http://127\.0\.0\.1:\d+", log.read_text()):
            return found[0]
        time.sleep(0.02)
    pytest.fail(f"the S3 service did not start: {log.read_text()}")


# One for all: the libraries keep 12 MB for each client until it is garbage and found.
@pytest.fixture(scope="module")
def client(endpoint: str) -> Any:
    client = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1")
    client.create_bucket(Bucket="states")
    return client


@pytest.fixture(scope="module")
def vault(endpoint: str, client: Any) -> Vault:
    assert client
    store = BucketStore(Bucket(name="states", endpoint=endpoint, region="us-east-1"))
    return Vault(store, Keyring(["master-key-of-the-tests-0123456789-0123"]))


@pytest.mark.parametrize("size", [0, 1, PART, 2 * PART + 7])
def test_what_goes_in_comes_out(vault: Vault, client: Any, size: int) -> None:
    content = os.urandom(size)
    key = vault.put("a/b", (content[start : start + 100_000] for start in range(0, size, 100_000)))
    assert vault.exists("a/b")
    assert b"".join(vault.open("a/b", key)) == content
    stored = client.get_object(Bucket="states", Key="a/b")["Body"].read()
    assert size < 16 or content[:16] not in stored


def test_a_deleted_object_is_missing(vault: Vault) -> None:
    key = vault.put("a/gone", [b"x"])
    vault.delete("a/gone")
    vault.delete("a/gone")
    assert not vault.exists("a/gone")
    with pytest.raises(ObjectNotFound):
        vault.open("a/gone", key)


@pytest.mark.parametrize("size", [10, 3 * PART])
def test_a_failing_source_leaves_nothing(vault: Vault, client: Any, size: int) -> None:
    def source() -> Iterator[bytes]:
        for _ in range(0, size, 65_536):
            yield b"x" * 65_536
        raise OSError

    with pytest.raises(OSError):
        vault.put("a/failed", source())
    assert not vault.exists("a/failed")
    assert "Uploads" not in client.list_multipart_uploads(Bucket="states")


def test_what_a_killed_upload_has_left_goes_with_the_object(vault: Vault, client: Any) -> None:
    uploads = {name: client.create_multipart_upload(Bucket="states", Key=name) for name in ("a/half", "a/half-not")}
    for name, upload in uploads.items():
        client.upload_part(Bucket="states", Key=name, UploadId=upload["UploadId"], PartNumber=1, Body=b"x")
    vault.delete("a/half")
    left = client.list_multipart_uploads(Bucket="states")["Uploads"]
    assert [upload["Key"] for upload in left] == ["a/half-not"]
    vault.delete("a/half-not")
    assert "Uploads" not in client.list_multipart_uploads(Bucket="states")


def test_a_sweep_of_a_bucket(vault: Vault, client: Any, app: Flask) -> None:
    engines = services(app).engines
    for name in ("swept/whole", "swept/half", "swept/never-begun"):
        register(engines.writing, name)
    vault.put("swept/whole", [b"x"])
    client.create_multipart_upload(Bucket="states", Key="swept/half")
    time.sleep(0.002)
    assert sweep(engines, vault, timedelta(0)) == 3
    assert "Contents" not in client.list_objects_v2(Bucket="states", Prefix="swept/")
    assert "Uploads" not in client.list_multipart_uploads(Bucket="states")
    assert sweep(engines, vault, timedelta(0)) == 0


def test_a_changed_object_is_not_read(vault: Vault, client: Any) -> None:
    key = vault.put("a/changed", [b"x" * 100])
    client.put_object(Bucket="states", Key="a/changed", Body=b"y" * 116)
    with pytest.raises(DecryptionError):
        b"".join(vault.open("a/changed", key))


def test_settings() -> None:
    assert bucket_of({}) is None
    assert bucket_of({"GROUNDPLAN_S3_BUCKET": "b"}) == Bucket(name="b")
    given = {
        "GROUNDPLAN_S3_BUCKET": "b",
        "GROUNDPLAN_S3_ENDPOINT": "https://s3.example",
        "GROUNDPLAN_S3_REGION": "eu-central-1",
    }
    assert bucket_of(given) == Bucket(name="b", endpoint="https://s3.example", region="eu-central-1")
    with pytest.raises(InvalidSettingError, match="GROUNDPLAN_S3_ENDPOINT"):
        bucket_of({**given, "GROUNDPLAN_S3_ENDPOINT": "s3.example"})
