"""Something real for the fuzzer to aim at."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial
from typing import Any

from schemathesis.transport.serialization import Binary

from app.models import (
    ActivityEvent,
    AuthenticationToken,
    NotificationConfiguration,
    Organization,
    PolicySetParameter,
    RecoverableItem,
    RepositoryLink,
    ReservedTagKey,
    RunTask,
    SshKey,
    TagBinding,
    Var,
    VarsetWorkspace,
    WorkspaceTask,
)
from app.persistence import now
from tests.contract import run_targets
from tests.contract.run_targets import RunTargets
from tests.support.api import Api, document
from tests.support.pictures import MULTIPART, avatar, icon_form, picture
from tests.support.states import OUTPUTS, States, state
from tests.support.world import World

FILTERS = {
    "filter[environment]": "environment_id",
    "filter[organization][name]": "organization",
    "filter[project][id]": "project_id",
    "filter[workspace][id]": "workspace_id",
    "filter[workspace][name]": "name",
}
PICTURE = picture()
ANNOUNCED = state(outputs=OUTPUTS)
# What is found in a workspace when it is only looked at, so that no list is empty.
CONTENTS = ("state-versions", "tags", "vars", "varset-vars")
# The operations that only the holder of the workspace's lock may do.
OF_LOCK_HOLDERS = {
    "state_versions.create_state_version",
    "state_versions.roll_back_state",
    "workspaces.unlock_workspace",
}
# The operations that need a picture to be there.
OF_PICTURES = {"images.destroy_avatar", "images.destroy_icon", "images.show_avatar", "images.show_icon"}


class Targets:
    """Fresh resources of one owner, made when they are asked for: an earlier request may have deleted the last ones."""

    def __init__(self, world: World, api: Api) -> None:
        self._world = world
        self._api = api
        self._turn = 0
        self.owner = world.person()
        self._known: dict[str, str] = {}
        self.renew()

    def renew(self) -> None:
        """Forget what the last request may have changed, the organization and its token included."""
        self._known.clear()
        self._turn += 1
        self._organization: Organization = self._world.organization(owner=self.owner)
        self._world.token(self._organization)

    def of_type(self, type_: str) -> str | None:
        """The id of a resource of the type; None for a type of which there are none."""
        if type_ not in _MAKERS:
            return None
        if type_ not in self._known:
            self._known[type_] = _MAKERS[type_](self)
        return self._known[type_]

    def parameters(self, names: Mapping[str, Any], operation: str = "", method: str = "get") -> dict[str, str]:
        """Real values for the variable parts of an address."""
        found = {name: self._parameter(name, method, operation) for name in names}
        if "varset_id" in names and "var_id" in names:
            found["var_id"] = str(self.of_type("varset-vars"))
        if "project_id" in names and "workspace_id" in names:
            found["project_id"] = self._the_workspace.project_id
        if "workspaces" in self._known and method == "get":
            for type_ in CONTENTS:
                self.of_type(type_)
        if operation in OF_PICTURES:
            self._upload_pictures(found)
        if operation in OF_LOCK_HOLDERS:
            self.of_type("state-versions")
            self._states.lock()
        return found

    def narrowed(self, query: Mapping[str, Any]) -> dict[str, Any]:
        """The query with what there is, wherever a filter names one thing."""
        known = {name: self._parameter(FILTERS[name], "get") for name in query if name in FILTERS}
        return {**query, **known}

    def aimed(self, body: Any) -> Any:
        """The body with the ids of resources that there are, wherever it names one of a known type.

        Bytes are every third time those that were announced, for nothing else is taken as a state.
        """
        if isinstance(body, Binary):
            return Binary(ANNOUNCED) if self._turn % 3 == 0 else body
        if isinstance(body, list):
            return [self.aimed(item) for item in body]
        if not isinstance(body, dict):
            return body
        found = {name: self.aimed(value) for name, value in body.items()}
        type_ = found.get("type")
        if "id" in found and isinstance(type_, str) and (real := self.of_type(type_)):
            found["id"] = real
        return found

    def _upload_pictures(self, found: Mapping[str, str]) -> None:
        if "project_id" in found:
            path = f"/projects/{found['project_id']}/icon"
            self._api.raw("POST", path, self.owner.token, icon_form(PICTURE), headers=MULTIPART)
        else:
            self._api.post(f"/workspaces/{found['workspace_id']}/avatar", self.owner.token, avatar(PICTURE))

    def _parameter(self, name: str, method: str, operation: str = "") -> str:
        if name == "ticket":
            return self._any_ticket(method, operation)
        if name == "event_id" and operation.startswith("run_events."):
            return self.of_run("run-events")
        if name in {"name", "slug"}:
            self.of_type("workspaces" if name == "name" else "projects")
            return self._workspace_name if name == "name" else self._the_project.slug
        fixed = {"organization": self._organization.name, "kind": "plan"}
        found = fixed.get(name) or self.of_type(_PARAMETERS[name])
        assert found is not None
        return found

    def _any_ticket(self, method: str, operation: str) -> str:
        self.of_type("workspaces")
        if operation == "configuration_versions.upload_configuration":
            return str(self._runs.announced()["attributes"]["upload-url"]).rpartition("/")[2]
        if operation.startswith("logs."):
            return self._runs.log_ticket()
        return self._ticket("download" if method == "get" else "upload")

    # --- how each is made ------------------------------------------------------------------------------------------

    def _project(self) -> str:
        project = self._the_project = self._world.project(self._organization)
        self._world.tag(project, "team", "platform")
        return project.id

    def _workspace(self) -> str:
        project = self._world.project(self._organization)
        workspace = self._the_workspace = self._world.workspace(project, own_execution_mode="remote")
        self._runs = RunTargets(self._world, self._api, workspace, self.owner.token)
        self._workspace_name = workspace.name
        self._states = States(self._api, workspace, self.owner.token)
        return workspace.id

    def _team_project(self) -> str:
        project = self._world.project(self._organization)
        return self._world.access(self._world.team(self._organization), project, "write").id

    def _team(self) -> str:
        return self._world.team(self._organization).id

    def _membership(self) -> str:
        return self._world.membership(self._organization, self._world.person())

    def _var(self) -> str:
        workspace_id = self.of_type("workspaces")
        place = {"organization_id": self._organization.id, "workspace_id": workspace_id}
        return self._world.add(Var(**place, key="region", category="env", value="here")).id

    def _varset(self) -> str:
        varset = self._world.varset(self._organization)
        self._world.add(VarsetWorkspace(varset_id=varset.id, workspace_id=self.of_type("workspaces")))
        return varset.id

    def _varset_var(self) -> str:
        place = {"organization_id": self._organization.id, "varset_id": self.of_type("varsets")}
        return self._world.add(Var(**place, key="zone", category="terraform", value="there")).id

    def _team_workspace(self) -> str:
        workspace = self._world.workspace(self._world.project(self._organization))
        return self._world.workspace_access(self._world.team(self._organization), workspace, "write").id

    def _environment(self) -> str:
        self.of_type("projects")
        environment = self._world.environment(self._the_project)
        self._world.workspace(self._the_project, environment_id=environment.id)
        return environment.id

    def _project_member(self) -> str:
        self.of_type("projects")
        return self._world.project_member(self._the_project, self._world.person(), "viewer").id

    def _acl_entry(self) -> str:
        self.of_type("workspaces")
        return self._world.acl_entry(self._the_workspace, self._world.person(), "user").id

    def _reserved_tag_key(self) -> str:
        return self._world.add(ReservedTagKey(organization_id=self._organization.id, key="cost-center")).id

    def _policy(self) -> str:
        return self._world.policy(self._organization).id

    def _policy_set(self) -> str:
        return self._world.policy_set(self._organization).id

    def _parameter_of_set(self) -> str:
        place = {"organization_id": self._organization.id, "policy_set_id": str(self.of_type("policy-sets"))}
        return self._world.add(PolicySetParameter(**place, key="region", value="here")).id

    def _recoverable_item(self) -> str:
        project = self._world.project(self._organization)
        deleted = {"recoverable_type": "workspaces", "recoverable_id": "ws-1111111111111111", "name": "net"}
        place = {"organization_id": self._organization.id, "project_id": project.id, "environment_id": ""}
        times = {"deleted_at": now(), "expires_at": now() + timedelta(days=1)}
        return self._world.add(RecoverableItem(**place, **deleted, **times, resource_count=0)).id

    def _ssh_key(self) -> str:
        return self._world.add(SshKey(organization_id=self._organization.id, name="modules", sealed_value="…")).id

    def _notifications(self) -> str:
        place = {"organization_id": self._organization.id, "workspace_id": self.of_type("workspaces")}
        return self._world.add(NotificationConfiguration(**place, name="ops", destination_type="email")).id

    def _task(self) -> str:
        place = {"organization_id": self._organization.id, "enabled": False}
        return self._world.add(RunTask(**place, name="prices", url="https://task.example.test")).id

    def _workspace_task(self) -> str:
        place = {"organization_id": self._organization.id, "workspace_id": self.of_type("workspaces")}
        return self._world.add(WorkspaceTask(**place, task_id=self.of_type("tasks"), stages=["pre_plan"])).id

    def _repository_link(self) -> str:
        place = {"organization_id": self._organization.id, "project_id": self.of_type("projects")}
        return self._world.add(RepositoryLink(**place, url="https://github.com/acme/infrastructure")).id

    def _state_version(self) -> str:
        self.of_type("workspaces")
        return str(self._states.save(ANNOUNCED)["data"]["id"])

    def _output(self) -> str:
        version_id = self.of_type("state-versions")
        found = self._api.get(f"/state-versions/{version_id}/outputs", self.owner.token)
        return str(found["data"][0]["id"])

    def _ticket(self, direction: str) -> str:
        """The last part of a signed address: where a state can be fetched, or one that waits for it can be sent."""
        part = "json-state" if self._turn % 3 == 2 else "state"
        self.of_type("workspaces")
        if direction == "download":
            part, version = "state", self._states.save(ANNOUNCED)
        else:
            self._states.lock()
            version = self._states.create(ANNOUNCED)
        return str(version["data"]["attributes"][f"hosted-{part}-{direction}-url"]).rpartition("/")[2]

    def _tag(self) -> str:
        place = {"organization_id": self._organization.id, "workspace_id": self.of_type("workspaces")}
        return str(self._world.add(TagBinding(**place, key="blue", value="")).tag_id)

    def _agent_pool(self) -> str:
        return self._world.pool(self._organization).id

    def _agent(self) -> str:
        """One that has ended, so that it can be deleted."""
        pool = self._world.pool(self._organization)
        return self._world.agent(pool, status="exited").id

    def of_run(self, type_: str) -> str:
        """The id of a run or configuration, or of a part of a run."""
        self.of_type("workspaces")
        return self._runs.of_type(type_)

    def agent_token(self) -> str:
        """Of the built-in pool, whose agents take the runs."""
        return self._world.built_in_token()

    def _event(self) -> str:
        members = {"action": "projects.create", "subject_type": "projects", "subject_id": "prj-1", "changes": {}}
        who = {"actor_type": "users", "actor_id": self.owner.id, "actor_name": self.owner.username}
        return self._world.add(ActivityEvent(organization_id=self._organization.id, **who, **members)).id

    def _invitation(self) -> str:
        """One of each kind, so that no list is empty; that into a project."""
        project_id, workspace_id = self.of_type("projects"), self.of_type("workspaces")
        path, role = f"/projects/{project_id}/invitations", {"email": "invited@example.test", "role": "viewer"}
        made = self._api.post(path, self.owner.token, document("invitations", role))
        path, level = f"/workspaces/{workspace_id}/invitations", {"email": "invited@example.test", "level": "user"}
        self._api.post(path, self.owner.token, document("invitations", level))
        return str(made["data"]["id"])

    def _invitation_token(self) -> str:
        """That of an invitation of the owner himself, who has no role in the project yet."""
        project = self._world.project(self._organization)
        own = {"email": f"{self.owner.username}@example.test", "role": "viewer"}
        path = f"/projects/{project.id}/invitations"
        made = self._api.post(path, self.owner.token, document("invitations", own))
        return str(made["data"]["attributes"]["token"])

    def _token(self) -> str:
        tokens = self._world.all(AuthenticationToken)
        return next(str(token.id) for token in tokens if token.organization_id == self._organization.id)


_MAKERS: Mapping[str, Callable[[Targets], str]] = {
    "activity-events": Targets._event,
    "agent-pools": Targets._agent_pool,
    "agents": Targets._agent,
    "authentication-tokens": Targets._token,
    "cloud-providers": lambda _targets: "aws",
    "environments": Targets._environment,
    "invitation-tokens": Targets._invitation_token,
    "invitations": Targets._invitation,
    "notification-configurations": Targets._notifications,
    "organization-memberships": Targets._membership,
    "organizations": lambda targets: targets._organization.name,
    "project-members": Targets._project_member,
    "projects": Targets._project,
    "repository-links": Targets._repository_link,
    "reserved-tag-keys": Targets._reserved_tag_key,
    "policies": Targets._policy,
    "policy-set-parameters": Targets._parameter_of_set,
    "policy-sets": Targets._policy_set,
    "recoverable-items": Targets._recoverable_item,
    "ssh-keys": Targets._ssh_key,
    "state-version-outputs": Targets._output,
    "state-versions": Targets._state_version,
    "subscriptions": lambda targets: f"sub-{targets._organization.id.removeprefix('org-')}",
    "tags": Targets._tag,
    "tasks": Targets._task,
    "team-projects": Targets._team_project,
    "team-workspaces": Targets._team_workspace,
    "teams": Targets._team,
    "vars": Targets._var,
    "varset-vars": Targets._varset_var,
    "varsets": Targets._varset,
    "users": lambda targets: targets.owner.id,
    "workspace-acl-entries": Targets._acl_entry,
    "workspace-tasks": Targets._workspace_task,
    "workspaces": Targets._workspace,
    **{type_: partial(Targets.of_run, type_=type_) for type_ in run_targets.MAKERS},
}
_PARAMETERS = {
    "agent_id": "agents",
    "agent_pool_id": "agent-pools",
    "cloud_provider_id": "cloud-providers",
    "event_id": "activity-events",
    "entry_id": "workspace-acl-entries",
    "configuration_id": "notification-configurations",
    "environment_id": "environments",
    "invitation_id": "invitations",
    "item_id": "recoverable-items",
    "key_id": "reserved-tag-keys",
    "link_id": "repository-links",
    "member_id": "project-members",
    "membership_id": "organization-memberships",
    "output_id": "state-version-outputs",
    "project_id": "projects",
    "parameter_id": "policy-set-parameters",
    "policy_id": "policies",
    "policy_set_id": "policy-sets",
    "ssh_key_id": "ssh-keys",
    "subscription_id": "subscriptions",
    "tag_id": "tags",
    "task_id": "tasks",
    "team_id": "teams",
    "team_project_id": "team-projects",
    "token": "invitation-tokens",
    "team_workspace_id": "team-workspaces",
    "token_id": "authentication-tokens",
    "user_id": "users",
    "var_id": "vars",
    "varset_id": "varsets",
    "version_id": "state-versions",
    "workspace_id": "workspaces",
    "workspace_task_id": "workspace-tasks",
    **run_targets.PARAMETERS,
}
