"""The flags of a team's organization-access: which other flags they need, and which they include."""

from collections.abc import Iterable, Mapping

from app.authz import roles
from app.jsonapi.errors import ApiError, Invalid, InvalidAttribute, humanized

# Flags of a registry, which this service does not have; stored for clients that read back what they wrote.
REGISTRY = (
    "manage-registry-components",
    "manage-registry-artifact-tags",
    "manage-registry-artifact-version-tags",
)
FLAGS = (*roles.ORGANIZATION_ACCESS, *REGISTRY)
POINTER = "/data/attributes/organization-access"

REQUIRED: Mapping[str, tuple[str, ...]] = {
    "manage-projects": ("manage-workspaces",),
    "read-projects": ("read-workspaces",),
    "manage-teams": ("manage-membership",),
    "manage-organization-access": ("manage-membership", "manage-teams"),
}
IMPLIED: Mapping[str, str] = {"manage-workspaces": "read-workspaces", "manage-projects": "read-projects"}


def effective_access(flags: Iterable[str]) -> frozenset[str]:
    """The flags and those that they include."""
    flags = frozenset(flags)
    return flags | {implied for flag, implied in IMPLIED.items() if flag in flags}


def merge_access(current: Iterable[str], given: Mapping[str, bool]) -> list[str]:
    """The flags that are true after the change; 422 for a flag without another one that it needs."""
    flags = {flag for flag in current if given.get(flag, True)} | {flag for flag, chosen in given.items() if chosen}
    faults = list(_faults(flags))
    if faults:
        raise Invalid(faults)
    return sorted(flags)


def merge_declined(current: Iterable[str], given: Mapping[str, bool], flags: Iterable[str]) -> list[str]:
    """The flags that are shown as false, although others of the ``flags`` include them, because they were sent so.

    A flag that comes without the one that it includes includes it anew.
    """
    included = {implied for flag, implied in IMPLIED.items() if flag in flags}
    anew = {implied for flag, implied in IMPLIED.items() if given.get(flag)}
    kept = {flag for flag in current if flag not in given and flag not in anew}
    return sorted(included & (kept | {flag for flag, chosen in given.items() if not chosen}))


def _faults(flags: Iterable[str]) -> Iterable[ApiError]:
    held = effective_access(flags)
    for flag, required in REQUIRED.items():
        missing = [needed for needed in required if needed not in held]
        if flag in flags and missing:
            yield _fault(flag, f"requires {' and '.join(missing)}")
    if "access-secret-teams" in flags and held.isdisjoint(roles.TEAM_ACCESS):
        yield _fault("access-secret-teams", f"requires one of {', '.join(roles.TEAM_ACCESS)}")


def _fault(flag: str, message: str) -> InvalidAttribute:
    return InvalidAttribute(f"{humanized(flag)} {message}", pointer=f"{POINTER}/{flag}")
