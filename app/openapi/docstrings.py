"""Turns docstrings into texts of the document."""

import re
from inspect import getdoc


def text_of(described: object) -> str:
    """The docstring as running text, without references to the specification or the mission."""
    text = re.sub(r"\s*\((?:spec|mission): [^)]*\)", "", getdoc(described) or "")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in text.split("\n\n"))
