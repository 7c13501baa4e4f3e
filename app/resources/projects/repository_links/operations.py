"""The rules of links to repositories."""

import re
from collections.abc import Mapping
from typing import Any

_HOST = re.compile(r"(?:[a-z]+://)?(?:[^/@]*@)?(?P<host>[^:/]+)")
_HOSTS: Mapping[str, str] = {
    "github.com": "github",
    "gitlab.com": "gitlab",
    "bitbucket.org": "bitbucket",
    "dev.azure.com": "azure-devops",
    "visualstudio.com": "azure-devops",
}
# Host labels by which self-hosted installations are recognized.
_LABELS = ("github", "gitlab", "bitbucket")


def normalize_link(members: Mapping[str, Any], stored_url: str | None = None) -> dict[str, Any]:
    """The attributes, with a provider. A new address without one, or null instead of one, has it guessed anew.

    ``stored_url`` is the address of a link that is changed.
    """
    normalized = dict(members)
    is_guessed = "url" in members or ("provider" in members and members["provider"] is None)
    if is_guessed and members.get("provider") is None:
        normalized["provider"] = provider_of(members.get("url") or str(stored_url))
    return normalized


def provider_of(url: str) -> str:
    """The provider of the repository, guessed from the host."""
    found = _HOST.match(url)
    host = found["host"].lower() if found else ""
    for known, provider in _HOSTS.items():
        if host == known or host.endswith(f".{known}"):
            return provider
    label = host.partition(".")[0]
    return label if label in _LABELS else "other"
