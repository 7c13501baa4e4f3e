"""Projects, the workspaces in them, and agent pools."""

from collections.abc import Iterable
from typing import Any, ClassVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.models import (
    AgentPool,
    AllowedProject,
    Environment,
    Project,
    TagBinding,
    TeamProject,
    Workspace,
)
from app.models.environments import default_environment
from tests.support.api import document
from tests.support.personas import table
from tests.support.scenes.scene import Cost, Scene
from tests.support.statement_costs import Request

TABLES = (
    "agent_pool_allowed_workspaces",
    "agent_pool_excluded_workspaces",
    "agent_pools",
    "projects",
    "tag_bindings",
    "team_projects",
    "workspaces",
)

PATHS = [
    "/projects/PROJECT",
    "/projects/PROJECT?include=effective_tag_bindings",
    "/projects/PROJECT/tag-bindings",
    "/organizations/acme/projects",
    "/organizations/acme/projects?sort=-name&page[number]=3",
    "/organizations/acme/projects?include=effective_tag_bindings",
    "/organizations/acme/projects?q=proj",
    "/organizations/acme/projects?filter[names]=project-0,network",
    "/organizations/acme/projects?filter[tagged][0][key]=env&filter[tagged][0][value]=prod",
    "/organizations/acme/projects?filter[permissions][update]=true",
    "/organizations/acme/projects?filter[slug]=project-0",
    "/organizations/acme/projects/project-0",
    "/projects",
    "/projects?filter[organization]=acme&sort=-name",
    "/organizations/acme/agent-pools",
    "/organizations/acme/agent-pools?sort=-created-at",
    "/organizations/acme/agent-pools?include=workspaces",
    "/organizations/acme/agent-pools?filter[allowed_workspaces][name]=workspace-0",
    "/organizations/acme/agent-pools?filter[allowed_projects][name]=project-0",
    "/organizations/acme/workspaces?include=agent_pool",
    "/agent-pools/POOL",
]

# The caller is one statement; what teams were granted on projects is another, for who is in a team.
READS = table("""
                                                            | owner token member
/projects/PROJECT                                           | 2     2     3
/projects/PROJECT?include=effective_tag_bindings            | 3     3     4
/projects/PROJECT/tag-bindings                              | 3     3     4
/projects/PROJECT/effective-tag-bindings                    | 3     3     4
/organizations/acme/projects                                | 2     2     3
/organizations/acme/projects?include=effective_tag_bindings | 3     3     4
/organizations/acme/projects?q=project                      | 2     2     3
/organizations/acme/projects?filter[names]=project-0        | 2     2     3
/organizations/acme/projects?sort=-name&page[number]=2      | 2     2     3
/organizations/acme/projects?filter[permissions][update]    | 2     2     3
/organizations/acme/projects?filter[tagged][0][key]=env     | 2     2     3
/projects                                                   | 2     2     3
/projects?filter[organization]=acme&filter[slug]=project-0  | 2     2     3
/workspaces/WORKSPACE                                       | 2     2     3
/workspaces/WORKSPACE?include=project                       | 3     3     4
/workspaces/WORKSPACE?include=project,organization          | 4     4     5
/workspaces/WORKSPACE?include=vars,current_run              | 5     5     6
/workspaces/WORKSPACE?include=effective_tag_bindings        | 3     3     4
/workspaces/WORKSPACE/tag-bindings                          | 3     3     4
/workspaces/WORKSPACE/effective-tag-bindings                | 3     3     4
/workspaces/WORKSPACE/relationships/tags                    | 3     3     4
/workspaces/WORKSPACE/relationships/remote-state-consumers  | 3     3     4
/team-workspaces?filter[workspace][id]=WORKSPACE            | 3     3     4
/organizations/acme/tags                                    | 2     2     3
/organizations/acme/workspaces?include=effective-tag-bindings | 3     3     4
/organizations/acme/workspaces?search[tags]=blue            | 2     2     3
/organizations/acme/workspaces?search[exclude-tags]=blue    | 2     2     3
/organizations/acme/workspaces?search[wildcard-name]=w*     | 2     2     3
/organizations/acme/workspaces?filter[tagged][0][key]=env   | 2     2     3
/organizations/acme/workspaces?sort=-latest-change-at       | 2     2     3
/organizations/acme/workspaces/workspace-0                  | 2     2     3
/organizations/acme/workspaces                              | 2     2     3
/organizations/acme/workspaces?include=project              | 3     3     4
/organizations/acme/workspaces?include=project,organization | 4     4     5
/organizations/acme/workspaces?search[name]=work            | 2     2     3
/organizations/acme/workspaces?include=agent_pool           | 4     4     5
/organizations/acme/workspaces?include=vars                 | 4     4     5
/organizations/acme/workspaces?filter[current-run][status]=applied | 2 2 3
/organizations/acme/agent-pools                             | 3     3     4
/organizations/acme/agent-pools?include=workspaces          | 4     4     5
/organizations/acme/agent-pools?filter[allowed_workspaces][name]=workspace-0 | 3     3     4
/organizations/acme/agent-pools?filter[allowed_projects][name]=project-0     | 3     3     4
/agent-pools/POOL                                           | 3     3     4
/organizations/acme/workspaces?filter[project][id]=PROJECT  | 2     2     3
/organizations/acme/workspaces?filter[environment]=env-1    | 2     2     3
/projects/PROJECT/workspaces                                | 3     3     4
/projects/PROJECT/workspaces?include=project                | 4     4     5
/projects/PROJECT/workspaces?search[name]=work&sort=-name   | 3     3     4
/projects/PROJECT/workspaces/WORKSPACE                      | 2     2     3
/workspaces                                                 | 2     2     3
/workspaces?filter[organization]=acme&search[name]=work     | 2     2     3
/cloud-providers                                            | 1     1     2
""")

WRITES: dict[str, Cost] = {
    "create a project": (6, 3),  # caller, it, its environment and owner, event; the organization's mode
    "create a project with tags": (8, 5),  # and the tags there are, the new tags
    "update a project": 5,  # caller, lock, update, event, show
    "update a project by nothing": 3,  # caller, lock, show
    "update a project with tags": 8,  # and the tags there are, those that go, those that come
    "update tags": 6,  # caller, lock, tags, new ones, event, tags to answer
    "add tags": 5,
    "replace tags": 6,
    "delete a project": 7,  # caller, lock, whether it holds anything, its icon, delete, locks of its tokens, event
    # caller, lock, workspaces, their objects and its icon, delete them and it, both their events
    "delete a project with its workspaces": 10,
    "move workspaces": 6,  # caller, lock, workspaces, environments, update, events
    # caller, locks of project and environment, versions of its agents, insert, its access list, events, show
    "create a workspace": (8, 6),
    "create a workspace in the default project": (9, 7),
    "create a workspace in its project": (8, 6),
    "create a workspace by name": (10, 8),  # as in the default project; and whether it is there
    "create or update a workspace by name": 6,
    "update a workspace in its project": 5,
    "delete a workspace in its project": 6,
    "update a workspace": 5,  # caller, lock, update, event, show
    "update a workspace by name": 6,
    "move a workspace by updating it": 7,  # and the project, the environments
    # As in the default project; and the tags there are, what is reserved, the new tags.
    "create a workspace with tags": (12, 11),
    "update tags of a workspace": 7,  # as of a project; and what is reserved
    "lock a workspace": (4, 3),  # caller, lock of the row and its new holder, update, event
    "unlock a workspace": (5, 4),  # and whether a state is pending, which one is the newest
    "delete a workspace safely": 6,  # caller, lock, its state, its objects, delete, event
    "delete a workspace by force": 5,
    "give a workspace a pool": 6,  # and whether the pool is there and open to it, with its lock
    "give a project a pool": 6,
    "create an agent pool": 5,  # caller, insert, event, show, its linkage
    "create an agent pool for workspaces": 8,  # and those there are, whether they are there, the new ones
    "update an agent pool": 7,  # caller, lock twice, update, event, show, linkage
    "delete an agent pool": 5,  # caller, lock, whether it is used, delete, event
}


def tags(count: int, first: int = 0) -> list[Any]:
    return [
        {"type": "tag-bindings", "attributes": {"key": f"key-{index}", "value": "x"}}
        for index in range(first, first + min(count, 5))
    ]


def listed(workspaces: Iterable[Workspace]) -> Any:
    return {"data": [{"type": "workspaces", "id": workspace.id} for workspace in workspaces]}


class Projects(Scene):
    """A project with a workspace, which has a pool, and a team that administers it."""

    TABLES: ClassVar = TABLES
    PATHS: ClassVar = PATHS
    READS: ClassVar = READS
    WRITES: ClassVar = WRITES

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        world, acme = self.world, self.organization
        self.team = world.team(acme)
        project, pool = world.project(acme, "project-0"), world.pool(acme)
        workspace = world.workspace(project, "workspace-0", own_execution_mode="agent", own_agent_pool_id=pool.id)
        world.access(self.team, project, "admin")
        self.ids = {"PROJECT": project.id, "WORKSPACE": workspace.id, "POOL": pool.id}
        self.tokens |= {"token": world.token(acme), "member": world.member(acme, self.team).token}

    def fill(self, count: int) -> None:
        """Add so many projects, each with a tag, a workspace and what the team may do on it."""
        with Session(self.engine, expire_on_commit=False) as session, session.begin():
            there = session.query(Project).count()
            projects = [Project(**self.here, name=f"project-of-many-{there + index}") for index in range(count)]
            session.add_all(projects)
            session.flush()
            session.add_all([default_environment(project) for project in projects])
            session.flush()
            environments = dict(session.execute(select(Environment.project_id, Environment.id)).all())
            for project in projects:
                pool = AgentPool(**self.here, name=f"pool-of-{project.name}")
                session.add(pool)
                session.flush()
                session.add(AllowedProject(agent_pool_id=pool.id, project_id=project.id))
                session.add(TagBinding(**self.here, project_id=project.id, key="env", value="prod"))
                used = {"own_execution_mode": "agent", "own_agent_pool_id": pool.id}
                place = {"project_id": project.id, "environment_id": environments[project.id]}
                session.add(Workspace(**self.here, **place, **used, name=f"workspace-of-{project.name}"))
                session.add(TeamProject(**self.here, project_id=project.id, team_id=self.team.id, access="admin"))

    def request(self, write: str, count: int) -> Request:
        """The request of this name, for so many tags or workspaces; everything it needs is there."""
        project, other = self.world.project(self.organization), self.world.project(self.organization)
        workspaces = [self.world.workspace(project) for _ in range(count if "workspace" in write else 0)]
        for tag in tags(count, first=100):
            self.world.tag(other, tag["attributes"]["key"])
        path, its_tags = f"/projects/{other.id}", f"/projects/{other.id}/relationships/tag-bindings"
        first = f"/workspaces/{workspaces[0].id}" if workspaces else ""
        new, updated = {"name": f"{write.replace(' ', '-')}-{count}"}, {"description": f"new {count}"}
        created = "/organizations/acme/workspaces"
        by_name = f"{created}/{workspaces[0].name}" if workspaces else ""
        in_project = f"/projects/{project.id}{first}"
        held: dict[str, Any] = {
            "locked": True,
            "locked_by_type": "users",
            "locked_by_id": self.owner.id,
            "locked_by_name": "somebody",
        }
        locked = f"/workspaces/{self.world.workspace(project, **held).id}" if write.startswith("unlock") else ""
        pool = self.world.pool(self.organization)
        agent = {"agent-pool-id": pool.id, "execution-mode": "agent"}
        default_agent = {f"default-{member}": value for member, value in agent.items()}
        allowed = listed(workspaces)["data"]
        requests: dict[str, Request] = {
            "give a workspace a pool": ("PATCH", first, document("workspaces", agent)),
            "give a project a pool": ("PATCH", path, document("projects", default_agent)),
            "create an agent pool": ("POST", "/organizations/acme/agent-pools", document("agent-pools", new)),
            "create an agent pool for workspaces": (
                "POST",
                "/organizations/acme/agent-pools",
                document("agent-pools", new, allowed_workspaces=allowed),
            ),
            "update an agent pool": ("PATCH", f"/agent-pools/{pool.id}", document("agent-pools", new)),
            "delete an agent pool": ("DELETE", f"/agent-pools/{pool.id}", None),
            "create a workspace with tags": ("POST", created, document("workspaces", new, tag_bindings=tags(count))),
            "update tags of a workspace": ("PATCH", f"{first}/tag-bindings", {"data": tags(count)}),
            "lock a workspace": ("POST", f"{first}/actions/lock", {"reason": "x"}),
            "unlock a workspace": ("POST", f"{locked}/actions/unlock", None),
            "create a project": ("POST", "/organizations/acme/projects", document("projects", new)),
            "create a project with tags": (
                "POST",
                "/organizations/acme/projects",
                document("projects", new, tag_bindings=tags(count)),
            ),
            "update a project": ("PATCH", path, document("projects", updated)),
            "update a project by nothing": ("PATCH", path, document("projects", {"name": other.name})),
            "update a project with tags": ("PATCH", path, document("projects", updated, tag_bindings=tags(count))),
            "update tags": ("PATCH", f"{path}/tag-bindings", {"data": tags(count)}),
            "add tags": ("POST", its_tags, {"data": tags(count)}),
            "replace tags": ("PATCH", its_tags, {"data": tags(count)}),
            "delete a project": ("DELETE", path, None),
            "delete a project with its workspaces": ("DELETE", f"/projects/{project.id}?force=true", None),
            "move workspaces": ("POST", f"{path}/relationships/workspaces", listed(workspaces)),
            "create a workspace": ("POST", created, document("workspaces", new, project=("projects", other.id))),
            "create a workspace in its project": ("POST", f"{path}/workspaces", document("workspaces", new)),
            "create a workspace by name": ("PUT", f"{created}/{new['name']}", document("workspaces")),
            "create or update a workspace by name": ("PUT", by_name, document("workspaces", updated)),
            "update a workspace in its project": ("PATCH", in_project, document("workspaces", updated)),
            "delete a workspace in its project": ("DELETE", in_project, None),
            "create a workspace in the default project": ("POST", created, document("workspaces", new)),
            "update a workspace": ("PATCH", first, document("workspaces", updated)),
            "update a workspace by name": ("PATCH", by_name, document("workspaces", updated)),
            "move a workspace by updating it": (
                "PATCH",
                first,
                document("workspaces", project=("projects", other.id)),
            ),
            "delete a workspace safely": ("POST", f"{first}/actions/safe-delete", None),
            "delete a workspace by force": ("DELETE", first, None),
        }
        return requests[write]
