"""Archives of terraform files for the tests."""

import io
import tarfile
from collections.abc import Mapping

MAIN = b'resource "terraform_data" "this" {}\n'


def archive(files: Mapping[str, bytes] | None = None, *, compression: str = "gz") -> bytes:
    """A tar archive with these files, as clients make it."""
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode=f"w:{compression}") as tar:  # type: ignore[call-overload]
        for name, content in ({"main.tf": MAIN} if files is None else files).items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return written.getvalue()


ARCHIVE = archive()
