"""Objects in a bucket of an S3-compatible service."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError, IncompleteReadError
from botocore.exceptions import ConnectionError as NoConnectionError

from app.storage.store import ObjectNotFound, StoreUnavailable, checked
from app.variables import Bucket

# The size of a part of a multipart upload: S3 requires 5 MiB for all but the last. One part at a time is in memory.
PART = 8 * 2**20
PIECE = 256 * 1024
ABSENT = frozenset({"404", "NoSuchKey", "NotFound"})
# Short, because each request blocks one of few threads meanwhile; the client can repeat the request.
CONNECT_SECONDS = 3
READ_SECONDS = 10
ATTEMPTS = 2
BROKEN = (NoConnectionError, HTTPClientError, IncompleteReadError)
TOO_MANY_REQUESTS = 429
SERVER_FAILURE = 500


class BucketStore:
    """A bucket. An object that was stored successfully is as durable as the S3 service makes it."""

    def __init__(self, bucket: Bucket) -> None:
        """Credentials come from where boto3 looks for them: environment, files, the machine's role."""
        self._bucket = bucket.name
        self._settings = bucket
        self._made: Any = None

    @property
    def _client(self) -> Any:  # noqa: ANN401 - boto3 has no types
        # Created when it is first needed: a worker must not share connections with the process that forked it.
        if self._made is None:
            self._made = boto3.session.Session().client(
                "s3",
                endpoint_url=self._settings.endpoint,
                region_name=self._settings.region,
                config=Config(
                    connect_timeout=CONNECT_SECONDS,
                    read_timeout=READ_SECONDS,
                    retries={"total_max_attempts": ATTEMPTS, "mode": "standard"},
                    s3={"addressing_style": "path" if self._settings.endpoint else "auto"},
                    # Other services than Amazon's don't support newer checksums. The encryption authenticates.
                    request_checksum_calculation="when_required",
                    response_checksum_validation="when_required",
                ),
            )
        return self._made

    def put(self, name: str, chunks: Iterable[bytes]) -> None:
        """See ``Store``: one request for a small object, parts for a large one, which appear together or not at all."""
        where = {"Bucket": self._bucket, "Key": checked(name)}
        parts = _parts(chunks)
        first = next(parts)
        second = next(parts, None)
        with _of_the_service():
            if second is None:
                self._client.put_object(**where, Body=first)
                return
            upload = {**where, "UploadId": self._client.create_multipart_upload(**where)["UploadId"]}
            try:
                sent = [self._send(upload, 1, first), self._send(upload, 2, second)]
                del first, second
                sent += (self._send(upload, number, part) for number, part in enumerate(parts, 3))
                self._client.complete_multipart_upload(**upload, MultipartUpload={"Parts": sent})
            except BaseException:
                # Parts that remain are removed later together with the object.
                with suppress(BotoCoreError, ClientError):
                    self._client.abort_multipart_upload(**upload)
                raise

    def _send(self, upload: dict[str, Any], number: int, part: bytes) -> dict[str, Any]:
        answer = self._client.upload_part(**upload, PartNumber=number, Body=part)
        return {"ETag": answer["ETag"], "PartNumber": number}

    def open(self, name: str) -> Iterator[bytes]:
        """See ``Store``."""
        with _of_the_service():
            try:
                body = self._client.get_object(Bucket=self._bucket, Key=checked(name))["Body"]
            except ClientError as error:
                if error.response["Error"]["Code"] in ABSENT:
                    raise ObjectNotFound(name) from None
                raise
        return _pieces(body)

    def delete(self, name: str) -> None:
        """See ``Store``: also removes the parts that a killed process has left, which are invisible but cost money."""
        where = {"Bucket": self._bucket, "Key": checked(name)}
        with _of_the_service():
            begun = self._client.list_multipart_uploads(Bucket=self._bucket, Prefix=name)
            for upload in begun.get("Uploads", ()):
                if upload["Key"] == name:
                    self._client.abort_multipart_upload(**where, UploadId=upload["UploadId"])
            self._client.delete_object(**where)

    def exists(self, name: str) -> bool:
        """See ``Store``."""
        with _of_the_service():
            try:
                self._client.head_object(Bucket=self._bucket, Key=checked(name))
            except ClientError as error:
                if error.response["Error"]["Code"] in ABSENT:
                    return False
                raise
            return True


@contextmanager
def _of_the_service() -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", SERVER_FAILURE)
        raise StoreUnavailable(is_transient=status >= SERVER_FAILURE or status == TOO_MANY_REQUESTS) from error
    except BotoCoreError as error:
        # A lost connection or a cut answer is transient; other errors, such as missing credentials, are not.
        raise StoreUnavailable(is_transient=isinstance(error, BROKEN)) from error


def _pieces(body: Any) -> Iterator[bytes]:  # noqa: ANN401 - boto3 has no types
    while True:
        with _of_the_service():
            piece: bytes = body.read(PIECE)
        if not piece:
            return
        yield piece


def _parts(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The bytes in parts of at least ``PART``; the last one may be shorter, and there is always one."""
    waiting: list[bytes] = []
    length = 0
    for chunk in chunks:
        if length >= PART:
            yield b"".join(waiting)
            waiting, length = [], 0
        waiting.append(chunk)
        length += len(chunk)
    yield b"".join(waiting)
