"""Terraform code as ``terraform fmt`` would write it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

IDENTIFIER: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_ESCAPES: Final = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


@dataclass(frozen=True, slots=True)
class Expression:
    """An expression that stands as it is, such as a reference."""

    text: str


@dataclass(frozen=True, slots=True)
class Block:
    """A block within a block."""

    name: str
    content: Mapping[str, Any]


def quoted(text: str) -> str:
    """A text as a literal, without templates."""
    escaped = "".join(_ESCAPES.get(character, character) for character in text)
    escaped = "".join(c if c.isprintable() or c == " " else _as_code(c) for c in escaped)
    return '"' + escaped.replace("${", "$${").replace("%{", "%%{") + '"'


def _as_code(character: str) -> str:
    number = ord(character)
    return f"\\u{number:04x}" if number <= 0xFFFF else f"\\U{number:08x}"  # noqa: PLR2004 - what four digits hold


def value(content: Any, indent: int = 0) -> str:  # noqa: ANN401 - any JSON
    """A value: a text, a number, a truth, a list or a map."""
    if isinstance(content, Expression):
        return content.text
    if content is None or isinstance(content, bool):
        return {None: "null", True: "true", False: "false"}[content]
    if isinstance(content, str):
        return quoted(content)
    if isinstance(content, Mapping):
        named = {key if IDENTIFIER.fullmatch(key) else quoted(key): each for key, each in content.items()}
        return "{\n" + "".join(_aligned(named, indent + 1)) + "  " * indent + "}" if named else "{}"
    if isinstance(content, Sequence):
        return "[" + ", ".join(value(each, indent) for each in content) + "]"
    return str(content)


def block(header: str, content: Mapping[str, Any], blocks: Sequence[Block] = (), indent: int = 0) -> str:
    """A block with attributes, in their order, and blocks within."""
    margin = "  " * indent
    lines = [f"{margin}{header} {{\n", *_aligned(content, indent + 1)]
    for each in blocks:
        lines += ["\n"] if len(lines) > 1 else []
        lines.append(block(each.name, each.content, indent=indent + 1))
    return "".join([*lines, f"{margin}}}\n"])


def _aligned(content: Mapping[str, Any], indent: int) -> list[str]:
    """Attributes in lines of their own; the equals signs of neighbours in one line each stand below each other."""
    lines: list[str] = []
    waiting: list[tuple[str, str]] = []

    def flush() -> None:
        width = max((len(name) for name, _ in waiting), default=0)
        lines.extend(f"{'  ' * indent}{name:<{width}} = {text}\n" for name, text in waiting)
        waiting.clear()

    for name, each in content.items():
        text = value(each, indent)
        if "\n" in text:
            # It stands alone, whatever is above or below.
            flush()
            waiting.append((name, text))
            flush()
        else:
            waiting.append((name, text))
    flush()
    return lines


class Labels:
    """Names of resources, each once, made of what things are called."""

    def __init__(self) -> None:
        """None is taken."""
        self._taken: set[tuple[str, str]] = set()

    def new(self, type_: str, *parts: str) -> str:
        """A label that no other resource of the type has."""
        wanted = re.sub(r"[^A-Za-z0-9_-]+", "_", "_".join(part for part in parts if part)).strip("_") or "unnamed"
        wanted = wanted if IDENTIFIER.fullmatch(wanted) else f"_{wanted}"
        label, number = wanted, 1
        while (type_, label.casefold()) in self._taken:
            number += 1
            label = f"{wanted}_{number}"
        self._taken.add((type_, label.casefold()))
        return label
