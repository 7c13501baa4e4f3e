"""The page of the states of runs, made from the table of transitions."""

from typing import Final

from app.models.run_transitions import TRANSITIONS
from app.models.runs import CONFIRMABLE, DISCARDABLE, FINAL, STATUSES

HEAD: Final = """# The states of a run

Made by `flask run-states-table`; a test holds it equal to the table in `app/models/run_transitions.py`, which is what
the service goes by. [runs.md](runs.md) explains runs in words.

Each row is one transaction: the run, its plan or apply, the job for an agent, the lock of the workspace and the run
event change together or not at all. Where two rows have the same event and the same status, the first whose condition
holds counts. An action that no row allows is answered with 409.

| event | from | condition | to | who | what comes with it |
|---|---|---|---|---|---|
"""
STATES: Final = """
## The statuses

| status | final | can be confirmed | can be discarded |
|---|---|---|---|
"""


def run_states_page() -> str:
    """The whole page."""
    rows = []
    for each in TRANSITIONS:
        sources = ", ".join(f"`{source}`" for source in each.sources) or "(nothing)"
        target = "(stays)" if each.to is None else f"`{each.to}`"
        rows.append(f"| {each.event} | {sources} | {each.condition} | {target} | {each.who} | {each.effects} |\n")
    states = [
        f"| `{status}` | {_yes(status in FINAL)} | {_yes(status in CONFIRMABLE)} | {_yes(status in DISCARDABLE)} |\n"
        for status in STATUSES
    ]
    return HEAD + "".join(rows) + STATES + "".join(states)


def _yes(holds: bool) -> str:  # noqa: FBT001 - a cell
    return "yes" if holds else ""
