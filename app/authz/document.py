"""The policy as a page of tables, made from the tables themselves."""

from collections.abc import Iterable, Mapping

from app.authz import roles
from app.authz.permissions import P
from app.authz.policy import POLICY, Level

HEAD = """# Permissions

Made by `flask permissions-table`; a test holds it equal to the code. A caller has the union of everything that is
granted; there is no denial. A permission counts only at the levels of its row, and its absence is answered with the
status of its row (404 hides that the thing exists).
"""


def permissions_page() -> str:
    """The whole page, in Markdown."""
    return "\n".join([HEAD, *_policy(), "", *_roles(), ""])


def _policy() -> Iterable[str]:
    levels = list(Level)
    yield "## Where a grant of a permission counts"
    yield ""
    yield "| permission | " + " | ".join(levels) + " | refusal |"
    yield "|---|" + "---|" * (len(levels) + 1)
    for permission, rule in POLICY.items():
        marks = " | ".join("✓" if level in rule.levels else "" for level in levels)
        yield f"| `{permission}` | {marks} | {rule.refusal} |"


def _roles() -> Iterable[str]:
    yield "## What each role grants"
    yield ""
    yield from _table(
        {
            "site role super_user": roles.SITE_ROLES["super_user"],
            "site role admin": roles.SITE_ADMIN,
            "owners team": roles.OWNER,
            "organization token": roles.ORGANIZATION_TOKEN,
            "member of the organization": roles.MEMBER,
            "project token": roles.PROJECT_TOKEN,
            "oneself": roles.SELF,
            "one's own roles and levels": roles.OWN_ACCESS,
            "everybody": roles.EVERYBODY,
            "without a token": roles.ANONYMOUS,
        },
    )
    yield ""
    yield "## Team access to a project"
    yield ""
    yield from _table(roles.PROJECT_LEVELS)
    yield ""
    yield "## Team access to a workspace"
    yield ""
    yield from _table(roles.WORKSPACE_LEVELS)
    yield ""
    yield "## Roles of project members and project tokens"
    yield ""
    yield from _table(roles.PROJECT_ROLES)
    yield ""
    yield (
        "A role with an environment or with cells holds for the workspaces there alone; "
        "on the project itself there remains "
        + ", ".join(f"`{permission}`" for permission in roles.SCOPED_IN_PROJECT)
        + ", on the environment "
        + ", ".join(f"`{permission}`" for permission in roles.SCOPED_IN_ENVIRONMENT)
        + ". A workspace without a cell is in none."
    )
    yield ""
    yield "## Levels of a workspace's access list"
    yield ""
    yield from _table(roles.ACL_LEVELS)
    yield ""
    yield "## Organization access of a team"
    yield ""
    yield from _table({flag: granted for flag, granted in roles.ORGANIZATION_ACCESS.items() if granted})
    yield ""
    yield "`manage-workspaces` also grants, on the default project alone:"
    yield ", ".join(f"`{permission}`" for permission in P if permission in roles.DEFAULT_PROJECT) + "."
    yield ""
    yield "On the teams its members see (the visible ones; with `access-secret-teams` all):"
    yield ""
    yield from _table(roles.TEAM_ACCESS)
    yield ""
    yield (
        "Where the organization allows force-deleting workspaces, a grant also has: "
        + ", ".join(
            f"with {' and '.join(f'`{each}`' for each in sorted(needed))} `{forced}`"
            for forced, needed in roles.FORCE.items()
        )
        + "."
    )


def _table(columns: Mapping[str, frozenset[P]]) -> Iterable[str]:
    yield "| permission | " + " | ".join(columns) + " |"
    yield "|---|" + "---|" * len(columns)
    for permission in P:
        if any(permission in granted for granted in columns.values()):
            marks = " | ".join("✓" if permission in granted else "" for granted in columns.values())
            yield f"| `{permission}` | {marks} |"
