"""The names of modules, providers and instances as HCP Terraform's list of resources shows them."""

import json
import re
from typing import Final

# A step of a path of modules, as in module.net.module.subnet["a.b"]
_STEP: Final = re.compile(r'module\.(?P<name>[^.\[]+)(?P<index>\[(?:[0-9]+|"(?:[^"\\]|\\.)*")\])?(?:\.|$)')
# In states of Terraform 0.13 and later: perhaps a module before it, and an alias behind it.
_PROVIDER: Final = re.compile(r'(?:.*\.)?provider\["(?P<address>[^"]+)"\](?:\..*)?')
_OLD_PROVIDER: Final = re.compile(r"(?:.*\.)?provider\.(?P<name>[^.]+)(?:\..*)?")
PUBLIC_REGISTRIES: Final = ("registry.terraform.io/", "registry.opentofu.org/")


def module_path(module: str) -> str:
    """The path of the module without ``module.``: ``net.subnet["a"]``; the root module and odd texts stay."""
    names, at = [], 0
    while at < len(module):
        step = _STEP.match(module, at)
        if step is None:
            return module
        names.append(step["name"] + (step["index"] or ""))
        at = step.end()
    return ".".join(names)


def provider_name(provider: str) -> str:
    """The provider in short: ``hashicorp/aws``, with the host only if it is no public registry."""
    if found := _PROVIDER.fullmatch(provider):
        address = found["address"]
        for registry in PUBLIC_REGISTRIES:
            address = address.removeprefix(registry)
        return address
    found = _OLD_PROVIDER.fullmatch(provider)
    return found["name"] if found else provider


def index_text(index: int | str | None) -> str:
    """The index as it stands in an address: ``[0]``, ``["a"]``, or nothing."""
    if index is None:
        return ""
    return f"[{json.dumps(index, ensure_ascii=False)}]"
