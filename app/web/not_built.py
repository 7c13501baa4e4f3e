"""What HCP Terraform has and this service has not: the answer to a request that would create some of it.

Clients drop the body of a 404 and tell people that a resource was not found, and repeat a 501 for minutes. 422 is shown
with its text. Only creating is answered so: what can't be created is truly not found at its own address.
"""

import re
from collections.abc import Mapping
from typing import Final

from app.jsonapi.errors import Unprocessable

BELOW: Final = ("/api/v2/", "/api/registry/")

_NO_VERSION_CONTROL = "connections to version control"
_NO_REGISTRY = "registry of modules and providers"
_NO_ARCHIVE_DATA = "way to delete a configuration and to restore it; archive the version instead"
_NO_RUN_DATA = "way to delete the files of a plan or an apply; those of plans go by themselves after a while"
_NO_SET_VERSIONS = "versions of policy sets; upload each policy at /policies/:id/upload, and add it to the set"
_NO_SELECTORS = "policy sets that count by tags; add projects or workspaces to the set"
_NO_BACKING_DATA = "way to delete a state apart from its version"

# By the part of the address that names it, before the parts below it.
LACKING: Final[Mapping[str, str]] = {
    "assessments": "way to delete an assessment and to restore it",
    "banners": "banners",
    "change-requests": "change requests",
    "cidr-range-lists": "lists of address ranges",
    "cidr-ranges": "lists of address ranges",
    "cost-estimates": "cost estimates",
    "data-retention-policy": "data retention policies",
    "email-recipient-statuses": "statuses of recipients",
    "explorer": "explorer",
    "github-app-installations": _NO_VERSION_CONTROL,
    "gpg-keys": _NO_REGISTRY,
    "hyok-configurations": "keys that customers hold themselves",
    "hyok-customer-key-versions": "keys that customers hold themselves",
    "metrics-tokens": "tokens for metrics",
    "no-code-modules": "no-code modules",
    "oauth-clients": _NO_VERSION_CONTROL,
    "oauth-tokens": _NO_VERSION_CONTROL,
    "oidc-configurations": "connections to identity providers of clouds",
    "plan-exports": "exports of plans; read a plan as JSON at /plans/:id/json-output",
    "policy-checks": "Sentinel; policies are written in Rego, and evaluated in task stages",
    "provider-sets": "sets of providers",
    "registry": _NO_REGISTRY,
    "registry-modules": _NO_REGISTRY,
    "registry-providers": _NO_REGISTRY,
    "stacks": "stacks",
    "test-runs": _NO_REGISTRY,
    "tests": _NO_REGISTRY,
    "tf-policy-evaluations": "policies in HCL; write them in Rego",
    "vcs-events": _NO_VERSION_CONTROL,
    "workspace-transfers": "transfers of workspaces between organizations",
}
# Addresses whose parts all exist elsewhere.
_BY_PATTERN: Final = (
    (re.compile(r"policy-sets/[^/]+/versions"), _NO_SET_VERSIONS),
    (re.compile(r"policy-sets/[^/]+/tag-selectors"), _NO_SELECTORS),
    (re.compile(r"(applies|plans)/[^/]+/actions/[a-z-]+-backing-data"), _NO_RUN_DATA),
    (re.compile(r"configuration-versions/[^/]+/actions/\w+_backing_data"), _NO_ARCHIVE_DATA),
    (re.compile(r"state-versions/[^/]+/actions/\w+_backing_data"), _NO_BACKING_DATA),
)
# Settings of what exists, which are not created but changed.
_SETTINGS: Final = frozenset({"data-retention-policy"})


class NotBuilt(Unprocessable):
    """HCP Terraform has what the request would create, and this service has not."""

    code = "not-built"


def not_built(method: str, path: str) -> NotBuilt | None:
    """The error for a request to an address that no route has; None if nothing is known of the address."""
    below = next((prefix for prefix in BELOW if path.startswith(prefix)), None)
    if below is None or method not in {"POST", "PUT", "PATCH"}:
        return None
    address = path.removeprefix("/api/v2/").strip("/")
    parts = [part for part in address.split("/") if part != "api"]
    if method != "POST" and parts[-1] not in _SETTINGS:
        return None
    lacking = next((words for pattern, words in _BY_PATTERN if pattern.fullmatch(address)), None)
    lacking = lacking or next((LACKING[part] for part in parts if part in LACKING), None)
    return NotBuilt(f"This service has no {lacking}") if lacking else None
