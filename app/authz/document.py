"""The policy as a page of tables, made from the tables themselves."""

from collections.abc import Iterable, Mapping

from app.authz import roles
from app.authz.permissions import P
from app.authz.policy import POLICY, Level

HEAD = """# Permissions

Made by `flask permissions-table`; a test holds it equal to the code. A caller has the union of everything that is
granted; there is no denial. A permission counts only at the levels of its row, and its absence is answered with the
status of its row (404 hides that the thing exists).

## Asking the service

`POST /api/v2/permissions/explain` says who may do what on which resource, and why:

```json
{"data": {
  "type": "permission-explanations",
  "attributes": {"permission": "workspace:update"},
  "relationships": {
    "subject": {"data": {"type": "users", "id": "user-…"}},
    "resource": {"data": {"type": "workspaces", "id": "ws-…"}}
  }
}}
```

The answer has `allowed`, and for each permission the grants that give it: the `level` and `target` they are bound to,
the `role` (or level, or flags of a team) that they name, and as `source` the type and id of what grants it, such as a
`team-projects` or a `project-members`; with `refusal`, the status that answers the one who lacks it. Without a
permission it is about all that mean something on the resource: an organization, a project, an environment, a workspace
or a team. Without a subject it is about the caller; else the subject is a user, a team (which is explained as what its
tokens may do) or a token.

Who sees the resource may ask about himself; about others may ask who manages the people there: `project:manage-members`
for projects and environments, `workspace:manage-acl`, `membership:create` for organizations, `team:update-membership`.
The subject must be one that the caller sees. Of a grant whose source the caller can't see, such as the access of a
secret team, the `id` and the `role` are null; `allowed` counts it all the same.
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
    yield "A project's token has its role without `token:manage`: it makes no other tokens."
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
    created = ", ".join(
        f"`{role}` `{roles.level_within(granted)}`"
        for role, granted in roles.PROJECT_ROLES.items()
        if P.PROJECT_CREATE_WORKSPACE in granted
    )
    yield (
        "A user who makes a workspace gets the strongest of these levels that gives no more than what he may do there "
        f"anyway; by the role in the project that is: {created}."
    )
    yield ""
    yield "## Custom access of a team"
    yield ""
    yield from _custom()
    yield ""
    yield "## What comes along"
    yield ""
    yield from _table(
        {
            "team token, on its organization": roles.TEAM_TOKEN,
            "member, on visible teams and the own ones": roles.VISIBLE_TEAM_MEMBER,
            "managing flag, on the own team": roles.OWN_TEAM,
            "member of a team that lets them, on its tokens": roles.OWN_TOKENS,
            "access to a workspace, on its project": roles.PROJECT_OF_WORKSPACE,
            "manager of members, on what tells of access": roles.PROJECT_ACCESS,
            "reader of variables, on shared sets": roles.SHARED_VARSETS_READER,
            "`manage-workspaces`, on shared sets": roles.SHARED_VARSETS_MANAGER,
            "where users create organizations": roles.SITE_USER,
        },
    )
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


def _custom() -> Iterable[str]:
    yield "Each value has what those before it have. The least is reading the place and its runs."
    yield ""
    yield "| detail | value | adds |"
    yield "|---|---|---|"
    steps = [(name, value, added) for name, values in roles.CUSTOM_PROJECT.items() for value, added in values.items()]
    flags = [(name, "true", added) for name, added in roles.CUSTOM_FLAGS.items()]
    for name, value, added in (*steps, *flags):
        yield f"| `{name}` | `{value}` | {', '.join(f'`{permission}`' for permission in P if permission in added)} |"


def _table(columns: Mapping[str, frozenset[P]]) -> Iterable[str]:
    yield "| permission | " + " | ".join(columns) + " |"
    yield "|---|" + "---|" * len(columns)
    for permission in P:
        if any(permission in granted for granted in columns.values()):
            marks = " | ".join("✓" if permission in granted else "" for granted in columns.values())
            yield f"| `{permission}` | {marks} |"
