"""The attributes and relationships of an organization and of its entitlement set (spec: organizations)."""

from app.authz.permissions import P
from app.jsonapi.fields import (
    Attribute,
    Boolean,
    Choice,
    Constant,
    DateTime,
    Email,
    Integer,
    Links,
    Text,
    ToOne,
)
from app.jsonapi.permission_flags import permission_flags
from app.jsonapi.schema import Schema
from app.jsonapi.switch import Switch
from app.models.organizations import EXECUTION_MODES

NAME_LENGTH = (3, 40)
NAME_PATTERN = "[A-Za-z0-9_-]+"
MINUTES = {"minimum": 0, "maximum": 10_000_000}

FLAGS: dict[str, P | bool] = {
    "can-update": P.ORGANIZATION_UPDATE,
    "can-destroy": P.ORGANIZATION_DELETE,
    "can-traverse": P.ORGANIZATION_READ,
    "can-access-via-teams": P.TEAM_CREATE,
    "can-create-team": P.TEAM_CREATE,
    "can-create-project": P.PROJECT_CREATE,
    "can-create-workspace": P.PROJECT_CREATE_WORKSPACE,
    "can-manage-users": P.MEMBERSHIP_CREATE,
    "can-view-users": P.MEMBERSHIP_READ,
    "can-manage-tags": P.WORKSPACE_MANAGE_TAGS,
    "can-manage-varsets": P.VARSET_MANAGE,
    "can-read-varsets": P.VARSET_READ,
    "can-update-api-token": P.TOKEN_MANAGE,
    "can-update-authentication-token": P.TOKEN_MANAGE,
    "can-view-authentication": P.TOKEN_MANAGE,
    "can-update-agent-pools": P.AGENT_POOL_MANAGE,
    "can-update-ssh-keys": P.SSH_KEY_MANAGE,
    "can-manage-run-tasks": P.RUN_TASK_MANAGE,
    "can-read-run-tasks": P.RUN_TASK_READ,
    "can-manage-recoverable-items": P.WORKSPACE_FORCE_DELETE,
    # False for features that the service does not have; clients look for these keys.
    **dict.fromkeys(
        (
            "can-create-module",
            "can-create-project-in-hcp",
            "can-create-provider",
            "can-create-workspace-migration",
            "can-deploy-no-code-modules",
            "can-enable-stacks",
            "can-manage-assessments",
            "can-manage-auditing",
            "can-manage-custom-providers",
            "can-manage-groups-in-hcp",
            "can-manage-no-code-modules",
            "can-manage-org-public-modules",
            "can-manage-org-public-providers",
            "can-manage-public-modules",
            "can-manage-public-providers",
            "can-manage-sso",
            "can-manage-subscription",
            "can-read-assessments",
            "can-start-trial",
            "can-update-hyok-configuration",
            "can-update-oauth",
            "can-update-sentinel",
            "can-view-explorer",
            "can-view-hyok-feature-info",
            "can-view-usage",
        ),
        False,
    ),
}

# The features that the service implements. Elsewhere a feature without its entitlement is 404.
ENTITLEMENTS = {
    "agents": True,
    "audit-logging": True,
    "configuration-designer": False,
    "cost-estimation": False,
    "global-run-tasks": True,
    "groups": False,
    "module-tests-generation": False,
    "operations": True,
    "policy-enforcement": True,
    "private-module-registry": False,
    "private-policy-agents": False,
    "private-run-tasks": False,
    "private-vcs": False,
    "run-tasks": True,
    "self-serve-billing": False,
    "sentinel": False,
    "sso": False,
    "state-storage": True,
    "teams": True,
    "usage-reporting": False,
    "vcs-integrations": False,
    "waypoint-actions": False,
    "waypoint-templates-and-addons": False,
}
LIMITS = (
    "policy-limit",
    "policy-mandatory-enforcement-limit",
    "policy-set-limit",
    "run-task-limit",
    "run-task-mandatory-enforcement-limit",
    "run-task-workspace-limit",
    "user-limit",
    "versioned-policy-set-limit",
)


MAXIMUM_RUNS = 100_000


class OrganizationSchema(Schema):
    """An organization. Clients know it by its name, which is its ``id``."""

    class Meta:
        """Its type and address."""

        type_ = "organizations"
        self_link = "/api/v2/organizations/{name}"

    id = Attribute(attribute="name")
    name = Text(
        required=True,
        minimum=NAME_LENGTH[0],
        maximum=NAME_LENGTH[1],
        pattern=NAME_PATTERN,
        description="The name, which is also the id in addresses.",
        example="acme",
    )
    email = Email(
        required=True,
        description="The address of those who administer the organization.",
        example="platform@example.com",
    )
    external_id = Attribute(attribute="id", description="The id that stays when the organization gets another name.")
    created_at = DateTime(dump_only=True)
    session_timeout = Integer(
        allow_none=True,
        **MINUTES,
        description="Minutes without a page after which a person who has signed in with a password must sign in "
        "again. The shortest of their organizations counts; null, 0 or more than 30 mean the service's own 30, and 1 "
        "to 14 count as 15.",
    )
    session_remember = Integer(
        allow_none=True,
        **MINUTES,
        description="Minutes after which a person who has signed in with a password must sign in again. The shortest "
        "of their organizations counts; null, 0 or more than 720 mean the service's own 720, and 1 to 14 count as 15.",
    )
    collaborator_auth_policy = Choice(
        ("password", "two_factor_mandatory"),
        description="How members must sign in. There is no second factor, so only `password` can be set.",
    )
    cost_estimation_enabled = Boolean(description="Whether costs are estimated after a plan.", has_effect=False)
    send_passing_statuses_for_untriggered_speculative_plans = Boolean(
        description="Whether version control hears of plans that were not needed.", has_effect=False
    )
    aggregated_commit_status_enabled = Boolean(
        description="Whether version control hears one status for many workspaces.", has_effect=False
    )
    speculative_plan_management_enabled = Boolean(
        description="Whether plans for an outdated commit are canceled.", has_effect=False
    )
    allow_force_delete_workspaces = Boolean(
        description="Whether those who administer a workspace may delete it although it manages resources."
    )
    assessments_enforced = Boolean(description="Whether the health of every workspace is assessed.")
    default_execution_mode = Choice(
        EXECUTION_MODES, description="The execution mode of projects and workspaces without one of their own."
    )
    default_agent_pool_id = Text(
        maximum=64,
        nullable=True,
        load_only=True,
        description="The pool of agents for the mode `agent`; the older form of the relationship `default-agent-pool`.",
    )
    max_concurrent_runs = Integer(
        minimum=1,
        maximum=MAXIMUM_RUNS,
        allow_none=True,
        description="How many runs of the organization plan or apply at once, in all pools together; null: any number.",
        example=20,
    )
    owners_team_saml_role_id = Text(
        maximum=256,
        nullable=True,
        description="The role of an identity provider that means the owners team. There is no single sign-on, so only "
        "null can be set.",
        has_effect=False,
    )
    user_tokens_enabled = Boolean(
        description="Whether the tokens of people work in the organization. Tokens of the organization and of teams "
        "always do."
    )
    plan_expired = Constant(value=False)
    plan_is_trial = Constant(value=False)
    plan_is_enterprise = Constant(value=False)
    plan_expires_at = Constant(None)
    plan_identifier = Constant(
        "groundplan", description="The plan of the organization. There is one plan, and it has everything."
    )
    fair_run_queuing_enabled = Constant(value=False)
    saml_enabled = Constant(value=False)
    two_factor_conformant = Constant(value=False)
    is_in_degraded_mode = Constant(value=False)
    remaining_testable_count = Constant(
        5, description="How many modules of a registry may still be tested; there is no registry. Clients expect some."
    )
    is_unified = Constant(value=False)
    hcp_id = Constant(None)
    stacks_default_execution_mode = Constant("remote")
    # Features that the service does not have are off; terraform's provider reads these attributes back.
    stacks_enabled = Switch("stacks")
    over_stacks_resource_limit = Constant(value=False)
    test_generation_enabled = Constant(value=False)
    recoverable_items_enabled = Constant(value=False)
    max_ttl_enabled = Boolean(
        description="Whether the longest lifetimes of tokens count, which `token-ttl-policies` has."
    )
    enforce_hyok = Switch("keys that customers hold themselves")
    permissions = permission_flags(FLAGS)

    default_agent_pool = ToOne("agent-pools", column="default_agent_pool", writable=True)
    stacks_default_agent_pool = ToOne("agent-pools")
    default_project = ToOne("projects", column="default_project_id", related="/api/v2/projects/{default_project_id}")
    entitlement_set = ToOne(
        "entitlement-sets",
        column="id",
        related="/api/v2/organizations/{name}/entitlement-set",
    )
    subscription = Links("/api/v2/organizations/{name}/subscription")
    authentication_token = Links("/api/v2/organizations/{name}/authentication-token")
    audit_trails_authentication_token = Links("/api/v2/organizations/{name}/authentication-token?token=audit-trails")


def entitlement_set(organization_id: str) -> dict[str, object]:
    """The entitlement set of an organization."""
    return {
        "id": organization_id,
        "type": "entitlement-sets",
        "attributes": {**ENTITLEMENTS, **dict.fromkeys(LIMITS)},
        "links": {"self": f"/api/v2/entitlement-sets/{organization_id}"},
    }


ENTITLEMENT_SET_DOCUMENT = {
    "type": "object",
    "required": ["data"],
    "properties": {
        "data": {
            "type": "object",
            "required": ["id", "type", "attributes"],
            "properties": {
                "id": {"type": "string"},
                "type": {"const": "entitlement-sets"},
                "attributes": {
                    "type": "object",
                    "properties": {
                        **{name: {"type": "boolean"} for name in ENTITLEMENTS},
                        **{name: {"type": ["integer", "null"]} for name in LIMITS},
                    },
                },
                "links": {"type": "object", "properties": {"self": {"type": "string"}}},
            },
        },
    },
}
