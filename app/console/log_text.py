"""Logs of terraform as HTML: its colours become classes, everything else is text."""

import re
from codecs import utf_8_decode
from typing import Final

import orjson
from ansi2html import Ansi2HTMLConverter

# The marks at the beginning and at the end of a log.
BEGIN: Final = "\x02"
END: Final = "\x03"
# How much of a log is read at once.
LOG_BYTES: Final = 512 * 1024
# What a program tells a terminal beside colours, such as the address of a link, which nobody would see.
_COMMANDS: Final = re.compile("\x1b\\][^\x07\x1b\n]*(?:\x07|\x1b\\\\)?")
_CONVERTER: Final = Ansi2HTMLConverter(inline=False, escaped=True)


def log_html(raw: bytes) -> tuple[str, int, bool]:
    """The whole lines among the bytes as HTML, how many bytes these are, and whether the log ends with them."""
    is_complete = raw.endswith(END.encode())
    whole = raw if is_complete else raw[: raw.rfind(b"\n") + 1]
    if not whole and len(raw) >= LOG_BYTES:
        # A line without an end is shown in pieces, cut between two letters.
        whole = raw[: utf_8_decode(raw, "replace")[1]]
    text = _COMMANDS.sub("", whole.decode(errors="replace").strip(BEGIN + END))
    return (
        _CONVERTER.convert("\n".join(map(_line, text.split("\n"))), full=False) if text else "",
        len(whole),
        is_complete,
    )


def _line(line: str) -> str:
    """The line as people read it: the message of a structured one, the last state of one that was overwritten."""
    if line.startswith('{"@'):
        try:
            message = orjson.loads(line).get("@message")
        except orjson.JSONDecodeError:
            return line
        return message if isinstance(message, str) else line
    return line.rstrip("\r").rpartition("\r")[2]
