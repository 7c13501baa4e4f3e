"""Docstrings as texts of the document."""

import re
from inspect import getdoc


def text_of(described: object) -> str:
    """The docstring with the line breaks of the source gone, and without what points into the specification."""
    text = re.sub(r"\s*\(spec: [^)]*\)", "", getdoc(described) or "")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in text.split("\n\n"))
