"""As much of Terraform's language as the agent needs: writing values, and finding the variables that are declared."""

import itertools
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

# No file of a configuration is longer, but for one that is meant to do harm.
FILE_CHARACTERS = 16 * 1024 * 1024
BRACKETS = {"(": ")", "[": "]", "{": "}"}
NAME = re.compile(r"[^\W\d][\w-]*")
HEREDOC = re.compile(r"<<-?([^\W\d][\w-]*)\r?\n")
# A block is also found in a comment or a text: a name too many does no harm.
DECLARED = re.compile(r'\bvariable(?:\s|/\*.*?\*/)+"?([^\W\d][\w-]*)"?(?:\s|/\*.*?\*/)*\{', re.DOTALL)
EPHEMERAL = re.compile(r"\bephemeral\s*=\s*true\b")


class NotOneExpression(Exception):
    """A text that is not exactly one expression; the exception's text says why not."""


def quote(value: str) -> str:
    """A text as an expression that stands for exactly this text."""
    pieces = []
    for index, char in enumerate(value):
        if char in '"\\':
            pieces.append("\\" + char)
        elif char == "\n":
            pieces.append("\\n")
        elif char in "$%" and value[index + 1 : index + 2] == "{":
            # Written as a number, it begins no template, whatever stands before it.
            pieces.append(f"\\u{ord(char):04x}")
        elif ord(char) < 0x20 or 0x7F <= ord(char) < 0xA0 or 0xD800 <= ord(char) < 0xE000:  # noqa: PLR2004
            pieces.append(f"\\u{ord(char) if not 0xD800 <= ord(char) < 0xE000 else 0xFFFD:04x}")  # noqa: PLR2004
        else:
            pieces.append(char)
    return '"' + "".join(pieces) + '"'


def check_expression(text: str) -> None:
    """Raise NotOneExpression if a text can't be one expression.

    Whether the expression itself is right is told by Terraform. This keeps a value from ending early, so that what
    follows would set another variable.
    """
    expected: list[str] = []
    tokens = list(_tokens(text))
    ended = False
    for token in tokens:
        if token == "\n":  # noqa: S105 - a piece of a text
            ended = ended or not expected
        elif ended:
            raise NotOneExpression("it goes on after the end of its first line")
        elif token in BRACKETS:
            expected.append(BRACKETS[token])
        elif token in BRACKETS.values() and (not expected or expected.pop() != token):
            raise NotOneExpression(f"there is a {token} too many")
    if not tokens:
        raise NotOneExpression("it is empty")
    if expected:
        raise NotOneExpression(f"a {expected[-1]} is missing")


def _tokens(text: str) -> Iterator[str]:
    """What counts for the form: brackets, ends of lines after the first token, and "x" for everything else."""
    position = 0
    started = False
    while (position := _skip_comment(text, position)) < len(text):
        char = text[position]
        if char == "\n" and started:
            yield "\n"
        if char.isspace():
            position += 1
            continue
        started = True
        if char == '"':
            position = _string_end(text, position)
        elif heredoc := HEREDOC.match(text, position):
            position = _heredoc_end(text, heredoc)
        else:
            position += 1
        yield char if char in "()[]{}" else "x"


def _skip_comment(text: str, position: int) -> int:
    if text.startswith(("#", "//"), position):
        end = text.find("\n", position)
        return len(text) if end < 0 else end
    if text.startswith("/*", position):
        end = text.find("*/", position + 2)
        if end < 0:
            raise NotOneExpression("a comment does not end")
        return _skip_comment(text, end + 2)
    return position


def _heredoc_end(text: str, heredoc: re.Match[str]) -> int:
    end_line = re.compile(rf"^[ \t]*{re.escape(heredoc[1])}(?=\r?$)", re.MULTILINE)
    ending = end_line.search(text, heredoc.end())
    if ending is None:
        raise NotOneExpression(f"the text that ends with {heredoc[1]} does not end")
    return ending.end()


def _string_end(text: str, start: int) -> int:
    """The position after a quoted text, in which templates may hold quoted texts again."""
    position = start + 1
    while position < len(text):
        char = text[position]
        if char == "\\":
            position += 2
        elif char == '"':
            return position + 1
        elif char == "\n":
            break
        elif text.startswith(("$${", "%%{"), position):
            position += 3
        elif text.startswith(("${", "%{"), position):
            position = _template_end(text, position + 2)
        else:
            position += 1
    raise NotOneExpression("a quoted text does not end")


def _template_end(text: str, position: int) -> int:
    depth = 1
    while position < len(text):
        char = text[position]
        if char == '"':
            position = _string_end(text, position)
            continue
        depth += {"{": 1, "}": -1}.get(char, 0)
        position += 1
        if not depth:
            return position
    raise NotOneExpression("a template does not end")


def declared_variables(folder: Path) -> dict[str, bool]:
    """The variables that the configuration in a folder declares, and whether each may be ephemeral."""
    declared: dict[str, bool] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix not in {".tf", ".tofu"} and not path.name.endswith((".tf.json", ".tofu.json")):
            continue
        if path.is_symlink() or not path.is_file():
            continue
        with path.open(encoding="utf-8", errors="replace") as file:
            text = file.read(FILE_CHARACTERS)
        found = _declared_in_json(text) if path.name.endswith(".json") else _declared_in(text)
        for name, ephemeral in found:
            declared[name] = declared.get(name, False) or ephemeral
    return declared


def _declared_in(text: str) -> Iterator[tuple[str, bool]]:
    blocks = list(DECLARED.finditer(text))
    for block, following in itertools.zip_longest(blocks, blocks[1:]):
        end = following.start() if following else len(text)
        yield block[1], EPHEMERAL.search(text, block.end(), end) is not None


def _declared_in_json(text: str) -> Iterable[tuple[str, bool]]:
    try:
        document = json.loads(text)
    except ValueError:
        return
    for root in document if isinstance(document, list) else [document]:
        variables = root.get("variable") if isinstance(root, dict) else None
        for group in variables if isinstance(variables, list) else [variables]:
            for name, body in group.items() if isinstance(group, dict) else ():
                yield name, "ephemeral" in json.dumps(body)
