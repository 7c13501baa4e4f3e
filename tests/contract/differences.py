"""Where Groundplan differs on purpose from HCP Terraform's own OpenAPI document, and why.

``-name`` is an attribute or a relationship that HCP has and Groundplan has not, ``+name`` one that HCP's document does
not mention. The test fails for a difference that is not here, and for one that is here and no longer there.
"""

from collections.abc import Mapping

from tests.contract.hcp_names import ANSWER, BODY

# HCP describes a resource once, for bodies and answers alike, and marks few members as read-only.
SHOWN_ONLY = "nobody sets it: it is made by the service, or constant"
# The API reference has it, the OpenAPI document does not.
IN_REFERENCE = "the API reference of HCP Terraform documents it"
ACCOUNTS = "an account has no support contract, no links to other services, no elevated mode and is confirmed when made"
ACTIONS = "terraform counts no actions in its plans and applies yet"
APPLICABLE = "here HCP's document has a short form of its own, unlike that of its other lists of sets"
BACKING_DATA = "what a state version stands on is not deleted apart from it, so there is nothing to restore"
HYOK = "customers hold no keys of their own: the service encrypts with its own"
MODULES = "there is no registry of modules and providers"
NO_INTEGRATIONS = "there are no ready-made run tasks of others"
NO_SUBSCRIPTION = "every organization has the same plan, so it is not included"
NO_VCS = "not connected to services that hold code"
NO_CODE = "there are no no-code modules"
OF_RELATIONSHIP = "tags come as the relationships tag-bindings and tags"
ONLY_NAMES = "of an account only the user name and the address can be changed here; whatever else is sent is ignored"
OPENTOFU = "OpenTofu can encrypt states on the client, which Terraform can't"
PASSWORD = "set at /account/password, and never shown"
RETENTION = "nothing is deleted by age, so there is no policy to describe"
ROLLBACK = "a rollback only names a version; HCP's document describes it with the form for new versions"
SCIM = "users are not provisioned by SCIM"
STACKS = "there are no stacks"
TWO_FACTOR = "there is no second factor that an organization could require"
UNIFIED = "only organizations that are part of the HashiCorp Cloud Platform have it"
LATER = "not built yet"
BEYOND = "Groundplan's own, beyond HCP Terraform; clients ignore members that they do not know"


def _of(reason: str, *names: str) -> dict[str, str]:
    return dict.fromkeys(names, reason)


_USER = _of(
    ACCOUNTS,
    "-enterprise-support",
    "-has-git-hub-app-token",
    "-has-linked-hcp",
    "-is-confirmed",
    "-is-sudo",
) | _of(PASSWORD, "-password")

_OF_PROJECTS = (
    "+auto-error-tracking-enabled",
    "+color",
    "+default-server-id",
    "+display-name",
    "+metadata",
    "+public-read",
    "+single-server-mode",
    "+slug",
)

# Sets are not connected to a repository whose changes could be watched, and name their workspaces.
_OF_POLICY_SETS = {
    **_of(NO_VCS, "-policy-update-patterns"),
    **_of("it is in public beta at HCP", "-scoping-type", "-tag-selectors"),
}
# HCP's document describes parameters with the form of variables; its API reference with these.
_OF_PARAMETERS = _of(IN_REFERENCE, "-description", "-hcl", "-version-id")
_OF_PARAMETER_ANSWERS = _OF_PARAMETERS | _of(IN_REFERENCE, "-created-at")

DIFFERENCES: Mapping[tuple[str, str], Mapping[str, str]] = {
    ("policy-sets", ANSWER): _OF_POLICY_SETS,
    ("policy-sets", BODY): _OF_POLICY_SETS,
    ("agent-pools", ANSWER): _of(BEYOND, "+max-concurrent-runs"),
    ("agent-pools", BODY): _of(BEYOND, "+max-concurrent-runs"),
    ("agents", ANSWER): {
        **_of(BEYOND, "+arch", "+os", "+sandbox", "+slots", "+tools"),
        **_of(IN_REFERENCE, "+version"),
    },
    ("configuration-versions", BODY): _of(
        SHOWN_ONLY, "-error", "-error-message", "-source", "-status", "-status-timestamps"
    ),
    ("applies", ANSWER): {
        **_of(ACTIONS, "-action-failures", "-action-invocations"),
        **_of(IN_REFERENCE, "+structured-run-output-enabled"),
    },
    ("comments", ANSWER): _of(BEYOND, "+created-at"),
    ("notification-configurations", ANSWER): {
        **_of(IN_REFERENCE, "+email_all_members", "+token"),
        **_of("addresses of members are shown by their memberships", "-user-email-addresses"),
    },
    ("notification-configurations", BODY): _of(IN_REFERENCE, "+email_all_members"),
    ("organization-memberships", ANSWER): _of(TWO_FACTOR, "-is-org-two-factor-required"),
    ("organizations", ANSWER): {
        **_of(
            MODULES,
            "-global-module-sharing",
            "-global-provider-sharing",
            "-module-consuming-organizations-count",
            "-provider-consuming-organizations-count",
        ),
        **_of(LATER, "-parent-data-retention-policy-info"),
        **_of(IN_REFERENCE, "+enforce-hyok", "+max-ttl-enabled", "+user-tokens-enabled"),
        **_of(BEYOND, "+max-concurrent-runs"),
    },
    ("organizations", BODY): {
        **_of(SHOWN_ONLY, "-permissions", "-saml-enabled", "-two-factor-conformant"),
        **_of(MODULES, "-global-module-sharing", "-global-provider-sharing"),
        **_of(STACKS, "-stacks-default-execution-mode"),
        **_of(LATER, "-recoverable-items-enabled"),
        **_of(IN_REFERENCE, "+default-agent-pool-id", "+enforce-hyok", "+max-ttl-enabled", "+user-tokens-enabled"),
        **_of(BEYOND, "+max-concurrent-runs"),
    },
    ("recoverable-items", ANSWER): _of(BEYOND, "+recovered-at"),
    ("projects", ANSWER): _of(BEYOND, "+icon-url", "+updated-at", *_OF_PROJECTS),
    ("projects", BODY): {
        **_of(BEYOND, *_OF_PROJECTS),
        **_of(SHOWN_ONLY, "-hcp-id", "-is-unified", "-permissions", "-team-count", "-workspace-count"),
        **_of(STACKS, "-stacks-default-execution-mode"),
        **_of(IN_REFERENCE, "+default-agent-pool-id"),
    },
    ("run-triggers", BODY): _of(SHOWN_ONLY, "-sourceable-name", "-workspace-name"),
    ("team-projects", ANSWER): _of(BEYOND, "+expires-at"),
    ("team-projects", BODY): _of(BEYOND, "+expires-at"),
    ("team-workspaces", ANSWER): _of(BEYOND, "+expires-at"),
    ("team-workspaces", BODY): _of(BEYOND, "+expires-at"),
    ("runs", BODY): {
        **_of(
            SHOWN_ONLY,
            "-actions",
            "-has-changes",
            "-permissions",
            "-source",
            "-status",
            "-status-timestamps",
            "-trigger-reason",
            "-triggering-source-name",
        ),
        **_of("a comment is made at /runs/:id/comments", "-comment"),
    },
    ("state-version-outputs", ANSWER): _of(IN_REFERENCE, "+value"),
    ("state-versions", ANSWER): {
        **_of(
            HYOK,
            "-encrypted-state-download-url",
            "-sanitized-state-download-url",
            "-sanitized-state-upload-url",
        ),
        **_of(BACKING_DATA, "-permissions"),
        **_of(OPENTOFU, "+encrypted"),
    },
    ("tag-bindings", BODY): _of(SHOWN_ONLY, "-created-at"),
    ("tags", ANSWER): _of(IN_REFERENCE, "+created-at", "+instance-count"),
    ("task-result-outcomes", ANSWER): _of("HCP Terraform has an address of it, as a link", "+body"),
    ("tasks", ANSWER): _of(NO_INTEGRATIONS, "-params"),
    ("tasks", BODY): _of(NO_INTEGRATIONS, "-params"),
    ("teams", ANSWER): {
        **_of(SCIM, "-scim-group-name", "-scim-linked", "-scim-sync-paused", "-scim-updated-at"),
        **_of(UNIFIED, "-description"),
    },
    ("teams", BODY): _of(UNIFIED, "-description"),
    ("users", ANSWER): _USER | _of(BEYOND, "+site-role"),
    ("vars", BODY): _of(SHOWN_ONLY, "-version-id"),
    ("varsets", ANSWER): _of("HCP's document has it where it lists the sets applicable to a workspace", "+created-at"),
    ("workspaces", ANSWER): {
        **_of(BEYOND, "+avatar-url", "+cell", "+iac-tool", "+title"),
        **_of(
            RETENTION,
            "-effective-run-data-retention-desc",
            "-effective-state-version-retention-desc",
        ),
        **_of(NO_CODE, "-no-code-upgrade-available", "-source-module-id"),
    },
    ("workspaces", BODY): {
        **_of(BEYOND, "+avatar-url", "+cell", "+iac-tool", "+title"),
        **_of(
            SHOWN_ONLY,
            "-actions",
            "-apply-duration-average",
            "-auto-destroy-status",
            "-environment",
            "-last-assessment-result-at",
            "-latest-change-at",
            "-locked",
            "-locked-reason",
            "-permissions",
            "-plan-duration-average",
            "-policy-check-failures",
            "-resource-count",
            "-run-failures",
            "-source",
            "-vcs-repo-identifier",
            "-workspace-kpis-runs-count",
        ),
        **_of(
            RETENTION,
            "-effective-run-data-retention-desc",
            "-effective-state-version-retention-desc",
        ),
        **_of(OF_RELATIONSHIP, "-tag-names"),
        **_of(IN_REFERENCE, "+agent-pool-id"),
    },
}

# They have a dry run, which is asked for by a parameter that HCP's clients never send.
_OF_DRY_RUNS = _of(BEYOND, "+dry-run", "+action", "+counts", "+gains-access", "+loses-access")
_WITH_DRY_RUNS = (
    "DELETE /projects/{}",
    "DELETE /workspaces/{}",
    "DELETE /organizations/{}/workspaces/{}",
    "POST /workspaces/{}/actions/safe-delete",
    "POST /organizations/{}/workspaces/{}/actions/safe-delete",
    "POST /projects/{}/relationships/workspaces",
)

# Where HCP's document describes one operation unlike the others with resources of the type; instead of what is above.
OF_ONE_OPERATION: Mapping[tuple[str, str], Mapping[str, str]] = {
    **{(name, ANSWER): _OF_DRY_RUNS for name in _WITH_DRY_RUNS},
    ("GET /policy-sets/{}/parameters", ANSWER): _OF_PARAMETER_ANSWERS,
    ("POST /policy-sets/{}/parameters", ANSWER): _OF_PARAMETER_ANSWERS,
    ("POST /policy-sets/{}/parameters", BODY): _OF_PARAMETERS,
    ("GET /policy-sets/{}/parameters/{}", ANSWER): _OF_PARAMETER_ANSWERS,
    ("PATCH /policy-sets/{}/parameters/{}", ANSWER): _OF_PARAMETER_ANSWERS,
    ("PATCH /policy-sets/{}/parameters/{}", BODY): _OF_PARAMETERS,
    ("DELETE /workspaces/{}/relationships/tags", BODY): _of(IN_REFERENCE, "+name"),
    ("GET /workspaces/{}/applicable-varsets", ANSWER): {
        **_of(APPLICABLE, "+permissions", "+priority", "+stack-count"),
        **_of("sets have no such setting, neither in the API reference nor elsewhere in HCP's document", "-auto-apply"),
    },
    ("PATCH /workspaces/{}/relationships/ssh-key", BODY): _of(IN_REFERENCE, "+id"),
    ("PATCH /account/update", BODY): _USER
    | _of(
        ONLY_NAMES,
        "-auth-method",
        "-avatar-url",
        "-is-admin",
        "-is-service-account",
        "-is-site-admin",
        "-is-sso-login",
        "-is-unified",
        "-permissions",
        "-two-factor",
        "-unconfirmed-email",
        "-v2-only",
    ),
    # Here HCP's document names only what a client may send.
    ("PATCH /workspaces/{}/relationships/vars", BODY): {},
    ("PATCH /workspaces/{}/state-versions", BODY): _of(
        ROLLBACK,
        "-force",
        "-json-state",
        "-json-state-outputs",
        "-lineage",
        "-md5",
        "-serial",
        "-state",
    ),
}

# Operations whose answers have nothing in common with HCP's but their form.
_EMPTY = "the list is always empty, because the service has no such thing"
_ONE_PLAN = "there is one plan, which costs nothing; HCP's document describes what is paid for"
NOT_COMPARED: Mapping[str, str] = {
    "GET /organizations/{}/feature-sets": _ONE_PLAN,
    "GET /organizations/{}/oauth-clients": _EMPTY,
    "GET /runs/{}/policy-checks": _EMPTY,
    "GET /subscriptions/{}": _ONE_PLAN,
}

# Statuses of success that the API reference has and the OpenAPI document has not.
STATUSES: Mapping[str, Mapping[str, str]] = {
    "POST /organizations/{}/agent-pools": {"201": IN_REFERENCE},
    **{name: {"200": BEYOND} for name in _WITH_DRY_RUNS},
}

# Relationships in answers, by type. In bodies they are not compared: HCP's document lists those that nobody sets, too.
RELATIONSHIPS: Mapping[str, Mapping[str, str]] = {
    "authentication-tokens": _of("only tokens of teams have a team", "-team"),
    "comments": _of(BEYOND, "+created-by"),
    "configuration-versions": _of(IN_REFERENCE, "+run"),
    "effective-tag-bindings": _of("it is the link inherited-from, as in the API reference", "-inherited-from"),
    "organization-memberships": _of(SCIM, "-scim-identity"),
    "organizations": {
        **_of(RETENTION, "-data-retention-policy"),
        **_of(MODULES, "-module-producers", "-provider-producers"),
        **_of(NO_VCS, "-oauth-tokens"),
        **_of(HYOK, "-primary-hyok-configuration"),
    },
    "plans": {
        **_of(HYOK, "-hyok-encrypted-data-key"),
        **_of("a plan is read as JSON, and not exported", "-exports"),
    },
    "projects": {
        **_of(BEYOND, "+cloud-provider"),
        **_of(IN_REFERENCE, "+effective-tag-bindings"),
    },
    "recoverable-items": _of("HCP's document has it as something to include, and not as a relationship", "+deleted-by"),
    "runs": {
        **_of("policies are written in Rego, and not in HCL", "-tf-policy-evaluations"),
        **_of(LATER, "-run-trigger-snapshots"),
    },
    "state-versions": _of(HYOK, "-hyok-encrypted-data-key"),
    "tags": _of(IN_REFERENCE, "+organization"),
    "tasks": _of(NO_INTEGRATIONS, "-integration"),
    "users": _of(NO_VCS, "-github-app-oauth-tokens"),
    # The variable names what it belongs to: a workspace as configurable, a set as varset.
    "vars": {
        **_of("no answer says which variable takes the place of which", "-overwriter", "-overwritten"),
        **_of("the API reference names the workspace in configurable alone", "-workspace"),
    },
    "workspaces": {
        **_of(BEYOND, "+project-environment"),
        **_of(IN_REFERENCE, "+effective-tag-bindings", "+tag-bindings"),
    },
}

_OF_WORKSPACE = {**RELATIONSHIPS["vars"], "-varset": "a variable of a workspace is in no set"}
_OF_SET = {**RELATIONSHIPS["vars"], "-configurable": "a variable of a set is of no workspace"}

_OF_POLICY_SET = {**RELATIONSHIPS["vars"], "-varset": "a parameter is of a policy set"}
RELATIONSHIPS_OF_ONE_OPERATION: Mapping[str, Mapping[str, str]] = {
    "GET /policy-sets/{}/parameters": _OF_POLICY_SET,
    "POST /policy-sets/{}/parameters": _OF_POLICY_SET,
    "GET /policy-sets/{}/parameters/{}": _OF_POLICY_SET,
    "PATCH /policy-sets/{}/parameters/{}": _OF_POLICY_SET,
    "GET /organizations/{}/team-tokens": {},
    "GET /teams/{}/authentication-token": {},
    "GET /users/{}": {
        **RELATIONSHIPS["users"],
        **_of("only the answer about one's own account names the token", "-authenticated-resource"),
    },
    "GET /varsets/{}/relationships/vars": _OF_SET,
    "GET /varsets/{}/relationships/vars/{}": _OF_SET,
    "GET /workspaces/{}/applicable-varsets": _of(
        APPLICABLE, "+organization", "+parent", "+projects", "+stacks", "+vars", "+workspaces"
    ),
    "GET /workspaces/{}/vars": _OF_WORKSPACE,
    "GET /workspaces/{}/vars/{}": _OF_WORKSPACE,
    "GET /workspaces/{}/varsets/{}/relationships/vars": _OF_SET,
    "GET /workspaces/{}/varsets/{}/relationships/vars/{}": _OF_SET,
    "PATCH /varsets/{}/relationships/vars/{}": _OF_SET,
    "PATCH /workspaces/{}/vars/{}": _OF_WORKSPACE,
    "POST /teams/{}/authentication-token": {},
    "POST /varsets/{}/relationships/vars": _OF_SET,
    "POST /workspaces/{}/vars": _OF_WORKSPACE,
}

# Query parameters, and values of include, that HCP's document has and that the service does not take.
QUERY: Mapping[str, Mapping[str, str]] = {
    "GET /assessment-results/{}/log-output": _of("the address that it redirects to takes offsets", "tail"),
    "GET /organizations": _of(NO_SUBSCRIPTION, "include=subscription"),
    "GET /organizations/{}": _of(NO_SUBSCRIPTION, "include=subscription"),
    "GET /organizations/{}/agent-pools": _of(
        "taken, too, but described as the API reference spells it", "filter[allowed-workspaces][name]"
    ),
    "GET /organizations/{}/organization-memberships": _of(SCIM, "include=scim-identity"),
    "GET /organizations/{}/workspaces": _of(
        "described as the API reference has it, with a number for each tag", "filter[tagged]", "filter[tagged][value]"
    ),
    "PATCH /task-results/{}/callback": _of("the token in the header says who answers", "url_code"),
    "GET /workspaces/{}/resources": _of("taken, but not described yet", "page[number]", "page[size]"),
}
