"""The policy as a page of tables, made from the tables themselves."""

from collections.abc import Iterable, Mapping

from app.authz import custom_access, roles
from app.authz.permissions import P
from app.authz.policy import POLICY, Level

TITLE = """# Permissions

This page is made by `flask permissions-table`, and a test holds it equal to the code. A caller has the union of
everything that was granted; nothing is ever denied. A permission counts only at the levels in its row of the policy.
The row also says how a caller without the permission is answered: 404 hides that the resource exists.
"""

HEAD = """## Asking the service

`POST /api/v2/permissions/explain` answers whether somebody may do something on a resource, and why:

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

The answer has `allowed`. For each permission it has the grants that give it, and as `refusal` the status for a caller
who lacks it. A grant has the `level` and the `target` that it is bound to, the `role` (or the level, or the flags of a
team), and as `source` the type and id of the resource that grants it, such as `team-projects` or `project-members`.

If the request names no permission, the answer covers every permission that means something on the resource. The
resource is an organization, a project, an environment, a workspace or a team. If the request names no subject, the
answer is about the caller. Otherwise the subject is a user, a token, or a team; a team is explained as what its tokens
may do.

Anyone who can see the resource may ask about themselves. To ask about others you need the permission that manages its
people: `project:manage-members` for projects and environments, `workspace:manage-acl` for workspaces,
`membership:create` for organizations, `team:update-membership` for teams. You must be able to see the subject. If you
can't see the source of a grant, such as the access of a secret team, its `id` and `role` are null; `allowed` counts the
grant all the same.
"""


ROLES = "What each role grants"
PROJECT_LEVELS = "Team access to a project"
WORKSPACE_LEVELS = "Team access to a workspace"
PROJECT_ROLES = "Roles of project members and project tokens"
ACL_LEVELS = "Levels of a workspace's access list"
FLAGS = "Organization access of a team"

SOURCES = (
    ("site roles `super_user` and `admin`", "every organization and all it holds; `user` gets nothing from it", ROLES),
    ("the owners team", "its organization", ROLES),
    ("the token of an organization", "its organization; it runs nothing, locks nothing and writes no state", ROLES),
    ("the organization access of a team", "projects, workspaces, members or teams of the organization", FLAGS),
    ("the access of a team to a project", "the project with its workspaces", PROJECT_LEVELS),
    ("the access of a team to a workspace", "that workspace", WORKSPACE_LEVELS),
    ("the role of a member in a project", "the project, or what is in one environment or in some cells", PROJECT_ROLES),
    ("the token of a project, with a role", "that project alone", PROJECT_ROLES),
    ("the token of an agent pool", "the work of an agent in that pool, and nothing that the API shows", ROLES),
    (
        "the token that terraform gets in a run",
        "reading the states of its workspace and of those that share theirs with it, while it plans or applies",
        ROLES,
    ),
    ("the access list of a workspace", "that workspace", ACL_LEVELS),
    ("membership in an organization", "its name, its people, its visible teams, and your own things in it", ROLES),
    ("nothing at all, not even a token", "the public attributes of workspaces in projects with `public-read`", ROLES),
)
"""The sources of grants, the levels that they are granted at, and the sections that list their permissions."""

COUNTS_FOR: Mapping[Level, str] = {
    Level.SITE: "everything on this service",
    Level.ORGANIZATION: "an organization and everything in it",
    Level.VISIBLE_TEAMS: "the teams of an organization that are not secret",
    Level.ORDINARY_TEAMS: "the teams of an organization, secret ones, too, without the owners",
    Level.AGENT_POOLS: "the tokens of an organization's agent pools",
    Level.AGENT_POOL: "the agents and jobs of one agent pool",
    Level.TEAM: "one team",
    Level.RUN_TASK: "what a run task is asked about",
    Level.SHARED_VARSETS: "the variable sets of an organization that belong to no project",
    Level.SOME_PROJECT: "an organization, in some project of which the caller may create workspaces",
    Level.PROJECTS: "what happens in the projects and workspaces of an organization",
    Level.WORKSPACES: "what happens in the workspaces of an organization",
    Level.PROJECT: "a project and everything in it",
    Level.PROJECT_ACCESS: "the resources that show who has access to a project: members, teams, tokens, invitations",
    Level.ENVIRONMENT: "an environment of a project and its workspaces",
    Level.CELL: "the workspaces of a project that are in one cell",
    Level.ENVIRONMENT_CELL: "those of an environment that are in one cell",
    Level.WORKSPACE: "one workspace",
    Level.MEMBERSHIP: "the caller's own roles and levels in an organization",
    Level.USER: "the caller's own account",
    Level.PUBLIC: "what everybody may see",
}


RULES = """## Who has access

`GET /api/v2/projects/:id/access-report` and `GET /api/v2/workspaces/:id/access-report` list everybody who reaches a
project or a workspace, with an entry for each path: `owners`, `organization-access`, `team-projects`,
`team-workspaces`, `project-members`, `workspace-acl-entries`, and tokens of the organization and the project. A user
with a role of their own and two teams has three entries; a team stands for its tokens. An entry says the `role`, what
this path alone gives as `permissions`, until when (`expires-at`), and when a token of the user or team was last used.
Whoever reaches only one workspace sees the name of its project, and is in the project's report for that. Not in a
report are administrators of the site, who reach everything, suspended users, and who reads the public attributes of a
project with `public-read`.

The other way round, `/organization-memberships/:id/access-report`, `/teams/:id/access-report` and
`/authentication-tokens/:id/access-report` list what a member, a team or a token reaches in its organization.

Reports are paged, sorted (`sort=-last-used-at`) and filtered (`q`, `filter[path]`, `filter[subject-type]`,
`filter[role]`). As a table with all entries:

```sh
curl "$GROUNDPLAN/api/v2/projects/prj-…/access-report" \\
    -H "Authorization: Bearer $TOKEN" -H "Accept: text/csv" -o access.csv
```

The report on a project is for those with `project:manage-members` on it, that on a workspace for those with
`workspace:manage-acl`, and the other ones for those with `project:manage-members` on the whole organization; members
may always ask what they reach themselves. A team, token or source that you may not see has no name and no id.

## Access that expires

Members of projects (`/projects/:id/members`), the access of teams (`/team-projects`, `/team-workspaces`) and entries of
access lists (`/workspaces/:id/acl`) take `expires-at`: a time such as `2027-01-31T18:00:00Z`, or null for access that
does not end. A time that has passed is refused (422). `filter[expires]=true` lists those that end.

From that moment the access counts nowhere: in no request, list, count, report or explanation. What a role has brought
ends at the same moment: the tokens of the project that its holder answers for, and the levels that came with creating
workspaces, unless another role of theirs reaches these. Within an hour a background task removes the row, and records
`project-members.expire` and the like. To give access again, add it again; what has ended can't be changed.

Nobody makes their own role or level last longer (403), except those who manage the members of the whole organization.
But whoever manages access for a while can give others access for good, give themselves another role, and prolong the
access of teams. So give temporary access with a role that manages nobody.

A project, or an access list with owners, must keep an owner whose role does not end, so that nobody finds it without
one on some morning. A transfer makes the new owner a lasting one.

## Rules for rights

- **Nobody gives more than they have.** Only those who manage the owners of a project or workspace make somebody an
  owner. A team with a custom access of `teams: manage` gives a team no more rights on the project than its members
  have, neither itself nor others (403). Callers with `project:manage-members` may make anybody an administrator of the
  project, so they may give a team every level.
- **Moving a workspace gains nothing.** A caller who would read variables, outputs or states in the new project that
  they may not read in the old one is refused (403 with the ids), beside the permissions to move.
- **The creator of a workspace** gets an entry in its access list (see below). It is recorded like any other, and marked
  as the creator's until somebody changes its level.
- **Removing somebody from a project** ends what their role has brought: the entries that they got by creating
  workspaces, wherever those are now, and the tokens of the project that they hold. What others have granted stays:
  levels on single workspaces and the access of teams. Leaving the organization ends everything in it.
- **A token of a project** is held by the user who made it, and ends when this user is removed from the project or
  leaves the organization. A lower role in the project, by a change or by transferring the project, ends the tokens with
  the roles that were lost; a role that gets limited to a part of the project ends all of them. Only the holder's own
  role counts. Access through a team does not: a token that was made with it goes on when the team's access or the
  membership in the team ends, and so does one that was made with rights in the whole organization. Revoke such a token
  by its id. A token can be handed over before: whoever manages the tokens of the project takes it over with
  `POST /api/v2/authentication-tokens/:id/actions/take-over`. While the holder is suspended, the token is refused. The
  token of an organization or a team that makes or takes over one is no user, so such a token ends only when it is
  revoked.
- **A token of a project gives nobody access**: it never manages members, teams, invitations or tokens.
- **A suspended user** has no rights: no token, session or password is accepted.
"""


def permissions_page() -> str:
    """The whole page, in Markdown."""
    return "\n".join([*_sources(), "", HEAD, RULES, *_policy(), "", *_roles(), ""])


def _sources() -> Iterable[str]:
    yield TITLE
    yield "## Where permissions come from"
    yield ""
    yield "A person has everything that these grant, at the same time. A token of a user has what the user has, and a"
    yield "token of a team has what the team has."
    yield ""
    yield "| what grants | what it is about | see |"
    yield "|---|---|---|"
    for source, about, section in SOURCES:
        anchor = section.lower().replace(" ", "-").replace("'", "")
        yield f"| {source} | {about} | [{section}](#{anchor}) |"


def _policy() -> Iterable[str]:
    levels = list(Level)
    yield "## Where a grant of a permission counts"
    yield ""
    yield "| level | a grant there counts for |"
    yield "|---|---|"
    for level in levels:
        yield f"| {level} | {COUNTS_FOR[level]} |"
    yield ""
    yield "| permission | " + " | ".join(levels) + " | refusal |"
    yield "|---|" + "---|" * (len(levels) + 1)
    for permission, rule in POLICY.items():
        marks = " | ".join("✓" if level in rule.levels else "" for level in levels)
        yield f"| `{permission}` | {marks} | {rule.refusal} |"


def _roles() -> Iterable[str]:
    yield f"## {ROLES}"
    yield ""
    yield from _table(
        {
            "site role super_user": roles.SITE_ROLES["super_user"],
            "site role admin": roles.SITE_ADMIN,
            "owners team": roles.OWNER,
            "organization token": roles.ORGANIZATION_TOKEN,
            "token for audit trails": roles.AUDIT_TRAILS_TOKEN,
            "member of the organization": roles.MEMBER,
            "project token": roles.PROJECT_TOKEN,
            "token of an agent pool": roles.AGENT,
            "run, on its workspace and those that share their states": roles.RUN,
            "run, on its organization": roles.RUN_IN_ORGANIZATION,
            "oneself": roles.SELF,
            "oneself, on the pages": roles.SIGNED_IN,
            "one's own roles and levels": roles.OWN_ACCESS,
            "everybody": roles.EVERYBODY,
            "without a token": roles.ANONYMOUS,
        },
    )
    yield ""
    yield f"## {PROJECT_LEVELS}"
    yield ""
    yield from _table(roles.PROJECT_LEVELS)
    yield ""
    yield f"## {WORKSPACE_LEVELS}"
    yield ""
    yield from _table(roles.WORKSPACE_LEVELS)
    yield ""
    yield f"## {PROJECT_ROLES}"
    yield ""
    yield from _table(roles.PROJECT_ROLES)
    yield ""
    yield f"A project's token has its role without what gives others access: {_named(roles.NOT_FOR_PROJECT_TOKENS)}."
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
    yield f"## {ACL_LEVELS}"
    yield ""
    yield from _table(roles.ACL_LEVELS)
    yield ""
    created = ", ".join(
        f"`{role}` `{roles.level_within(granted)}`"
        for role, granted in roles.PROJECT_ROLES.items()
        if P.PROJECT_CREATE_WORKSPACE in granted
    )
    yield (
        "A user who creates a workspace gets a level on it: the strongest one that gives no more than they may do "
        f"there already. For a role in the project that is: {created}."
    )
    yield ""
    yield "## Custom access of a team"
    yield ""
    yield from _custom()
    yield ""
    yield "## What follows from other grants"
    yield ""
    yield from _table(
        {
            "team token, on its organization": roles.TEAM_TOKEN,
            "member, on visible teams and their own": roles.VISIBLE_TEAM_MEMBER,
            "managing flag, on the caller's own team": roles.OWN_TEAM,
            "member of a team that lets them, on its tokens": roles.OWN_TOKENS,
            "access to a workspace, on its project": roles.PROJECT_OF_WORKSPACE,
            "manager of members, on what shows access": roles.PROJECT_ACCESS,
            "manager of members or of an access list, on the organization": roles.FINDER,
            "reader of variables, on shared sets": roles.SHARED_VARSETS_READER,
            "`manage-workspaces`, on shared sets": roles.SHARED_VARSETS_MANAGER,
            "where users create organizations": roles.SITE_USER,
        },
    )
    yield ""
    yield f"## {FLAGS}"
    yield ""
    yield from _table({flag: granted for flag, granted in roles.ORGANIZATION_ACCESS.items() if granted})
    yield ""
    yield "Here `activity:read` does not count for the whole organization, but at the level `projects` where a flag"
    yield "reads all projects, and at `workspaces` where it reads all workspaces alone."
    yield ""
    yield "`manage-workspaces` also grants, on the default project alone:"
    yield _named(roles.DEFAULT_PROJECT) + "."
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


def _named(permissions: frozenset[P]) -> str:
    return ", ".join(f"`{permission}`" for permission in P if permission in permissions)


def _custom() -> Iterable[str]:
    yield "Each value includes the values before it. The least is reading the project and its runs."
    yield ""
    yield "| detail | value | adds |"
    yield "|---|---|---|"
    steps = [
        (name, value, added) for name, values in custom_access.CUSTOM_PROJECT.items() for value, added in values.items()
    ]
    flags = [(name, "true", added) for name, added in custom_access.CUSTOM_FLAGS.items()]
    for name, value, added in (*steps, *flags):
        yield f"| `{name}` | `{value}` | {', '.join(f'`{permission}`' for permission in P if permission in added)} |"


def _table(columns: Mapping[str, frozenset[P]]) -> Iterable[str]:
    yield "| permission | " + " | ".join(columns) + " |"
    yield "|---|" + "---|" * len(columns)
    for permission in P:
        if any(permission in granted for granted in columns.values()):
            marks = " | ".join("✓" if permission in granted else "" for granted in columns.values())
            yield f"| `{permission}` | {marks} |"
