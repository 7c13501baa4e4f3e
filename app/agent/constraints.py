"""Version numbers and constraints, as Terraform writes them."""

import operator as op
import re
from collections.abc import Iterable
from dataclasses import dataclass

VERSION = re.compile(r"v?(\d+)(?:\.(\d+))?(?:\.(\d+))?(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?")
TERM = re.compile(r"\s*(=|!=|>=|<=|>|<|~>)?\s*(v?[0-9][0-9A-Za-z.+-]*)\s*")
LATEST = "latest"
OPERATORS = {"=": op.eq, "!=": op.ne, ">=": op.ge, "<=": op.le, ">": op.gt, "<": op.lt}

Key = tuple[int, int, int, int, tuple[tuple[int, int, str], ...]]


class BadConstraint(Exception):
    """A text that is no version and no constraint; the exception's text is for the user."""


def key(version: str) -> Key:
    """By what versions are compared; a pre-release comes before its release."""
    found = VERSION.fullmatch(version)
    if found is None:
        raise BadConstraint(f"{version} is not a version")
    before = tuple(
        (0, int(part), "") if part.isdigit() else (1, 0, part) for part in (found[4] or "").split(".") if part
    )
    return int(found[1]), int(found[2] or 0), int(found[3] or 0), 0 if before else 1, before


@dataclass(frozen=True)
class Constraint:
    """Which versions a workspace accepts."""

    text: str
    terms: tuple[tuple[str, str], ...]

    @property
    def exact(self) -> str | None:
        """The version, where only one is accepted."""
        if len(self.terms) == 1 and self.terms[0][0] == "=":
            return self.terms[0][1].removeprefix("v")
        return None

    def allows(self, version: str) -> bool:
        """Whether a version is accepted. A pre-release is accepted only if it is named."""
        own = key(version)
        if own[3] == 0:
            return any(operator == "=" and key(wanted) == own for operator, wanted in self.terms)
        return all(_holds(operator, own, wanted) for operator, wanted in self.terms)

    def newest(self, versions: Iterable[str]) -> str | None:
        """The newest of these versions that is accepted."""
        allowed = [version for version in versions if VERSION.fullmatch(version) and self.allows(version)]
        return max(allowed, key=key, default=None)


def parse(text: str) -> Constraint:
    """Read `1.11.4`, `~> 1.11`, `>= 1.5, < 2` or `latest`."""
    if text.strip() == LATEST:
        return Constraint(text, ())
    terms = []
    for part in text.split(","):
        found = TERM.fullmatch(part)
        if found is None or VERSION.fullmatch(found[2]) is None:
            raise BadConstraint(f"{text} is neither a version nor a constraint of versions")
        terms.append((found[1] or "=", found[2]))
    return Constraint(text, tuple(terms))


def _holds(operator: str, own: Key, wanted: str) -> bool:
    bound = key(wanted)
    if operator in OPERATORS:
        return bool(OPERATORS[operator](own, bound))
    # ~> keeps all numbers but the last that is written.
    written = max(1, wanted.partition("-")[0].count("."))
    return own >= bound and own[:written] == bound[:written]
