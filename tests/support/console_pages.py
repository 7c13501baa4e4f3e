"""Every page of the console, so that no test forgets one."""

import re
from collections.abc import Mapping
from typing import Final

from werkzeug.routing import Map

from app.console.place import SETTINGS
from app.console.section import ENTRIES
from app.console.sections import SECTIONS

# Pages that show or send nothing of an organization.
OF_NOBODY: Final = {"show_asset", "show_sign_in", "show_unknown"}
# Pages that only lead to others.
LEADING: Final = {"compare_states", "find_run"}
# What is no page.
PICTURES: Final = {"show_icon"}
# Pages of the administration, which nobody else finds.
OF_THE_SITE: Final = {"list_users", "list_all_organizations"}


def paths(rules: Map, values: Mapping[str, str], entries: Mapping[str, str]) -> dict[str, str]:
    """The path of every page below the console's, by the name of its view; of a section, by its name as well.

    A section that has a form for a new entry has another page for it.

    ``values`` are the variable parts, ``entries`` the ids of what has sections of its own.
    """
    found = {}
    for rule in rules.iter_rules():
        place, _, name = rule.endpoint.partition(".")
        if place != "console" or "GET" not in (rule.methods or ()) or name in OF_NOBODY | LEADING | PICTURES:
            continue
        kind = name.removeprefix("show_").removesuffix("_section")
        sections = (
            [{"section": each} for each in [*SECTIONS.get(kind, ()), SETTINGS]] if "<section>" in rule.rule else [{}]
        )
        if kind == "entry":
            sections = [
                {"entries": listed, "entry_id": entries[listed], "section": each}
                for of, listed in ENTRIES.items()
                for each in [*SECTIONS[of], SETTINGS]
            ]
        for part in sections:
            known = {**values, **part}
            path = re.sub(r"<(\w+)>", lambda part: known[part[1]], rule.rule)  # noqa: B023 - called at once
            full = " ".join([name, *part.values()])
            found[full] = path.removeprefix("/app")
            if _has_form(kind, part):
                found[f"{full} new"] = f"{found[full]}?new=1"
    found["show_move chosen"] = f"{found['show_move']}?name={values['workspace']}"
    found["show_move to"] = f"{found['show_move chosen']}&to={values['project_id']}"
    return found


def _has_form(kind: str, part: Mapping[str, str]) -> bool:
    """Whether the section has a form for a new entry."""
    kinds = {name: each for each, name in ENTRIES.items()}
    section = SECTIONS.get(kinds.get(part.get("entries", ""), kind), {}).get(part.get("section", ""))
    return section is not None and bool(section.create_path)
