"""The variables of a run: the file and the environment that Terraform gets."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from app.agent.hcl import NAME, NotOneExpression, check_expression, quote

ENVIRONMENT_NAME = re.compile(r"[^=\0\s]+")
# These would break the run or get around what the agent has set up: another configuration of the CLI, another
# directory, another workspace, other programs, a state that nobody can read.
REFUSED = frozenset(
    {
        *("PATH", "HOME", "TMPDIR", "TEMP", "TMP", "PWD", "OLDPWD", "SHELL", "ENV", "BASH_ENV", "IFS", "GOMEMLIMIT"),
        *("TF_CLI_CONFIG_FILE", "TERRAFORM_CONFIG", "TF_DATA_DIR", "TF_WORKSPACE", "TF_IN_AUTOMATION", "TF_INPUT"),
        *("TF_REATTACH_PROVIDERS", "TF_ENCRYPTION", "TF_CLI_ARGS"),
        *("TFC_RUN_ID", "TFC_WORKSPACE_NAME", "TFC_WORKSPACE_SLUG", "TFC_PROJECT_NAME", "TFC_WORKSPACE_ID"),
    }
)
REFUSED_PREFIXES = ("LD_", "DYLD_", "GROUNDPLAN_", "BASH_FUNC_", "TF_PLUGIN_CACHE_")


class WrongVariable(Exception):
    """A variable with which Terraform can't run; the text is for the user."""


@dataclass(frozen=True)
class Variables:
    """The variables as the service sends them."""

    rows: tuple[Mapping[str, Any], ...]

    def terraform(self, names: Iterable[str]) -> str:
        """The text of the file with the values of these names."""
        wanted = set(names)
        lines = []
        for row in self.rows:
            name, value = str(row["key"]), str(row["value"] if row["value"] is not None else "")
            if row["category"] != "terraform" or name not in wanted or not NAME.fullmatch(name):
                continue
            if row["hcl"]:
                try:
                    check_expression(value)
                except NotOneExpression as error:
                    raise WrongVariable(
                        f"The value of the variable {name} must be one HCL expression, but {error}. "
                        f"Correct the value, or turn HCL off for this variable."
                    ) from error
                lines.append(f"{name} = (\n{value}\n)\n")
            else:
                lines.append(f"{name} = {quote(value)}\n")
        return "".join(lines)

    def environment(self) -> tuple[dict[str, str], list[str]]:
        """The environment variables that Terraform gets, and the names that are left out."""
        kept: dict[str, str] = {}
        refused = []
        for row in self.rows:
            if row["category"] != "env":
                continue
            name, value = str(row["key"]), str(row["value"] if row["value"] is not None else "")
            if name in REFUSED or name.startswith(REFUSED_PREFIXES) or not ENVIRONMENT_NAME.fullmatch(name):
                refused.append(name)
            elif "\0" in value:
                raise WrongVariable(f"The environment variable {name} has a zero byte in its value. Remove it.")
            else:
                kept[name] = value
        return kept, refused

    def secrets(self) -> list[str]:
        """The values that must not be shown."""
        return [str(row["value"]) for row in self.rows if row["sensitive"] and row["value"]]
