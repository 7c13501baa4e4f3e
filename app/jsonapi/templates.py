"""Addresses with parts that come from a row."""

import re

from app.persistence import AnyRow


def fill_template(template: str, row: AnyRow) -> str:
    """The template with ``{column}`` replaced by the row's values."""
    return re.sub(r"\{(\w+)\}", lambda found: str(getattr(row, found[1])), template)
