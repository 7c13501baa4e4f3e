"""A project with something of everything in its workspaces, for what deletes or takes all of it."""

from app.models import (
    AllowedWorkspace,
    ConfigurationVersion,
    ExcludedWorkspace,
    Image,
    Invitation,
    NotificationConfiguration,
    Organization,
    Project,
    RemoteStateConsumer,
    Run,
    RunTask,
    RunTrigger,
    StoredObject,
    TagBinding,
    Var,
    VarsetWorkspace,
    Workspace,
    WorkspaceTask,
)
from app.persistence import now
from tests.support.api import Api
from tests.support.states import OUTPUTS, States, state
from tests.support.world import World


def fill(api: Api, world: World, acme: Organization, project: Project, token: str) -> list[Workspace]:
    """Two workspaces with two of everything that goes; what they let read each other and one of another project."""
    person, team, varset, pool = world.member(acme), world.team(acme), world.varset(acme), world.pool(acme)
    task = world.add(RunTask(organization_id=acme.id, name="costs", url="https://task.example.test"))
    workspaces = [world.workspace(project, locked=index == 0, resource_count=index) for index in range(2)]
    for index, workspace in enumerate(workspaces):
        place = {"organization_id": acme.id, "workspace_id": workspace.id}
        world.add(Var(**place, key="region", category="env", value="here"))
        version = world.add(ConfigurationVersion(**place)).id
        world.add(Run(**place, configuration_version_id=version, number=1, status="applied", message="", pool="x"))
        world.add(TagBinding(**place, key="env", value="prod"))
        told = {"name": "ops", "destination_type": "generic", "url": "https://hook.example.test", "triggers": []}
        world.add(NotificationConfiguration(**place, **told))
        world.add(WorkspaceTask(**place, task_id=task.id, stages=["post_plan"]))
        world.workspace_access(team, workspace, "write")
        world.acl_entry(workspace, person, "developer")
        email = f"somebody@{index}.test"
        world.add(Invitation(**place, email=email, role="user", nonce="n", expires_at=now()))
        name = f"images/{workspace.id}"
        world.add(StoredObject(name=name))
        picture = {"content_type": "image/png", "digest": "0", "size": 1, "width": 1, "height": 1}
        world.add(Image(**place, image_object=name, image_key="", **picture))
        world.add(VarsetWorkspace(varset_id=varset.id, workspace_id=workspace.id))
        world.add(AllowedWorkspace(agent_pool_id=pool.id, workspace_id=workspace.id))
        world.add(ExcludedWorkspace(agent_pool_id=pool.id, workspace_id=workspace.id))
        if index:
            States(api, workspace, token).save(state(outputs=OUTPUTS))
        else:
            world.state_version(workspace)
    outside = world.workspace(world.project(acme))
    for workspace, consumer in ((workspaces[0], workspaces[1]), (workspaces[0], outside), (outside, workspaces[1])):
        world.add(RemoteStateConsumer(workspace_id=workspace.id, consumer_id=consumer.id))
        world.add(RunTrigger(organization_id=acme.id, workspace_id=workspace.id, source_id=consumer.id))
    owned = world.varset(acme, project=project)
    world.add(Var(organization_id=acme.id, varset_id=owned.id, key="zone", category="terraform", value="there"))
    return workspaces
