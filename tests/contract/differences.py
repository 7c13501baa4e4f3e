"""Where attributes differ on purpose from HCP Terraform's own OpenAPI document, and why.

``-name`` is an attribute that HCP has and Groundplan has not, ``+name`` one that HCP's document does not mention. The
test fails for a difference that is not here, and for one that is here and no longer there.
"""

from collections.abc import Mapping

ANSWER = "answer"
BODY = "body"

# HCP describes a resource once, for bodies and answers alike, and marks few members as read-only.
SHOWN_ONLY = "nobody sets it: it is made by the service, or constant"
# The API reference has it, the OpenAPI document does not.
IN_REFERENCE = "the API reference of HCP Terraform documents it"
ACCOUNTS = "accounts come from outside: there are no passwords, confirmations or links to other services"
ASSESSMENTS = "there are no health assessments"
AUTO_DESTROY = "nothing is destroyed by a clock yet; only the durations are kept"
MODULES = "there is no registry of modules and providers"
RUNS = "there are no runs, hence nothing to count, to average or to keep"
SCIM = "users are not provisioned by SCIM"
SOURCE = "there are no no-code modules, and clients send no source of their own yet"
STACKS = "there are no stacks"
TWO_FACTOR = "there is no second factor that an organization could require"
VCS = "there is no connection to version control"
LATER = "not built yet"


def _of(reason: str, *names: str) -> dict[str, str]:
    return dict.fromkeys(names, reason)


_USER = _of(
    ACCOUNTS,
    "-enterprise-support",
    "-has-git-hub-app-token",
    "-has-linked-hcp",
    "-is-confirmed",
    "-is-sudo",
    "-password",
)

DIFFERENCES: Mapping[tuple[str, str], Mapping[str, str]] = {
    ("organization-memberships", ANSWER): _of(TWO_FACTOR, "-is-org-two-factor-required"),
    ("organizations", ANSWER): {
        **_of(
            MODULES,
            "-global-module-sharing",
            "-global-provider-sharing",
            "-module-consuming-organizations-count",
            "-provider-consuming-organizations-count",
            "-remaining-testable-count",
            "-test-generation-enabled",
        ),
        **_of(STACKS, "-over-stacks-resource-limit", "-stacks-enabled"),
        **_of(LATER, "-parent-data-retention-policy-info", "-recoverable-items-enabled"),
        **_of(IN_REFERENCE, "+user-tokens-enabled"),
    },
    ("organizations", BODY): {
        **_of(SHOWN_ONLY, "-permissions", "-saml-enabled", "-two-factor-conformant"),
        **_of(MODULES, "-global-module-sharing", "-global-provider-sharing"),
        **_of(STACKS, "-stacks-default-execution-mode", "-stacks-enabled"),
        **_of(LATER, "-recoverable-items-enabled"),
        **_of(IN_REFERENCE, "+default-agent-pool-id", "+user-tokens-enabled"),
    },
    ("projects", BODY): {
        **_of(SHOWN_ONLY, "-hcp-id", "-is-unified", "-permissions", "-team-count", "-workspace-count"),
        **_of(STACKS, "-stacks-default-execution-mode"),
        **_of(IN_REFERENCE, "+default-agent-pool-id"),
    },
    ("tag-bindings", BODY): _of(SHOWN_ONLY, "-created-at"),
    ("teams", ANSWER): {
        **_of(SCIM, "-scim-group-name", "-scim-linked", "-scim-sync-paused", "-scim-updated-at"),
        **_of(LATER, "-description"),
    },
    ("teams", BODY): _of(LATER, "-description"),
    ("users", ANSWER): _USER,
    ("workspaces", ANSWER): {
        **_of(ASSESSMENTS, "-assessments-enabled", "-last-assessment-result-at"),
        **_of(AUTO_DESTROY, "-auto-destroy-at", "-auto-destroy-status"),
        **_of(
            RUNS,
            "-apply-duration-average",
            "-auto-apply-run-trigger",
            "-effective-run-data-retention-desc",
            "-effective-state-version-retention-desc",
            "-plan-duration-average",
            "-policy-check-failures",
            "-run-failures",
            "-workspace-kpis-runs-count",
        ),
        **_of(SOURCE, "-no-code-upgrade-available", "-source-module-id", "-source-name", "-source-url"),
        **_of(VCS, "-vcs-repo-identifier"),
        **_of(LATER, "-hyok-enabled", "-locked-reason", "-project-remote-state"),
    },
    ("workspaces", BODY): {
        **_of(
            SHOWN_ONLY,
            "-actions",
            "-environment",
            "-latest-change-at",
            "-locked",
            "-permissions",
            "-resource-count",
            "-source",
        ),
        **_of(ASSESSMENTS, "-assessments-enabled", "-last-assessment-result-at"),
        **_of(AUTO_DESTROY, "-auto-destroy-at", "-auto-destroy-status"),
        **_of(
            RUNS,
            "-apply-duration-average",
            "-auto-apply-run-trigger",
            "-effective-run-data-retention-desc",
            "-effective-state-version-retention-desc",
            "-plan-duration-average",
            "-policy-check-failures",
            "-run-failures",
            "-workspace-kpis-runs-count",
        ),
        **_of(SOURCE, "-source-name", "-source-url"),
        **_of(VCS, "-trigger-patterns", "-trigger-prefixes", "-vcs-repo", "-vcs-repo-identifier"),
        **_of(LATER, "-hyok-enabled", "-locked-reason", "-project-remote-state", "-tag-names"),
        **_of(IN_REFERENCE, "+agent-pool-id"),
    },
}

# What has come since the table was last gone through; each is skipped with a word until it has its rows above.
UNSORTED = {
    (type_, where)
    for type_ in ("", "state-versions", "state-version-outputs", "tags", "vars", "varsets", "workspaces")
    for where in (ANSWER, BODY)
} | {("users", BODY)}
