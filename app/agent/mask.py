"""Cleans what Terraform prints: valid UTF-8, without the marks of the log, without values that must not be shown."""

import codecs
import json
import re
from collections.abc import Iterable

SHORTEST = 6
MASKED = "(sensitive value)"
# The marks of the beginning and the end of a log; and zero bytes, which no terminal shows.
MARKS = "\x00\x02\x03"


class Mask:
    """Replaces secrets in a stream of bytes, also where one is split over two pieces."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._held = ""
        self._secrets: list[str] = []
        self._pattern: re.Pattern[str] | None = None
        self._firsts = ""
        self.add(secrets)

    def add(self, secrets: Iterable[str]) -> None:
        """Also hide these values, each of their lines and the spellings of them that Terraform prints."""
        forms = set(self._secrets)
        for secret in secrets:
            for text in (secret, *secret.splitlines()):
                bare = text.strip()
                if len(bare) < SHORTEST:
                    continue
                escaped = json.dumps(bare, ensure_ascii=False)[1:-1]
                forms |= {bare, escaped, _as_go(escaped), _as_hcl(bare), _as_hcl(escaped)}
        # The longest first: one may begin with another.
        self._secrets = sorted(forms, key=len, reverse=True)
        self._pattern = re.compile("|".join(re.escape(form) for form in self._secrets)) if self._secrets else None
        self._firsts = "".join({form[0] for form in self._secrets})

    def text(self, text: str) -> str:
        """A whole text without the secrets."""
        text = _without_marks(text)
        return self._pattern.sub(MASKED, text) if self._pattern else text

    def feed(self, data: bytes, *, final: bool = False) -> bytes:
        """The next piece; what may be the beginning of a secret is held back."""
        text = self._held + _without_marks(self._decoder.decode(data, final))
        self._held = ""
        if not self._pattern:
            return text.encode("utf-8", "replace")
        shown: list[str] = []
        position = 0
        begun = len(text) if final else self._begun(text, position)
        # Looking for each by itself is much faster than the pattern, and mostly none is there.
        while any(form in text for form in self._secrets):
            found = self._pattern.search(text, position)
            if found is None or found.start() >= begun:
                break
            shown += text[position : found.start()], MASKED
            position = found.end()
            begun = len(text) if final else self._begun(text, position)
        self._held = text[begun:]
        return "".join((*shown, text[position:begun])).encode("utf-8", "replace")

    def _begun(self, text: str, position: int) -> int:
        """From where on the text may be the beginning of a secret; its length if it is none."""
        for index in range(max(position, len(text) - len(self._secrets[0]) + 1), len(text)):
            if text[index] in self._firsts:
                rest = text[index:]
                if any(len(form) > len(rest) and form.startswith(rest) for form in self._secrets):
                    return index
        return len(text)


def _as_go(escaped: str) -> str:
    """As Go writes a text in JSON."""
    return escaped.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _as_hcl(text: str) -> str:
    """As Terraform shows what would otherwise be a template."""
    return text.replace("${", "$${").replace("%{", "%%{")


def _without_marks(text: str) -> str:
    for mark in MARKS:
        text = text.replace(mark, "")
    return text
