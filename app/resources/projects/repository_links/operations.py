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


def normalize_link(members: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes, with a provider."""
    return {**members, "provider": members.get("provider") or provider_of(members["url"])}


def provider_of(url: str) -> str:
    """The provider of the repository, guessed from the host."""
    found = _HOST.match(url)
    host = found["host"].lower() if found else ""
    for known, provider in _HOSTS.items():
        if host == known or host.endswith(f".{known}"):
            return provider
    label = host.partition(".")[0]
    return label if label in _LABELS else "other"
