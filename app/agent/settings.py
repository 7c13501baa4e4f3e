"""What an agent is told by its environment."""

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from app.agent import sandbox

MIB = 1024 * 1024
GIB = 1024 * MIB
# What an operator may set for an agent; an embedded one gets nothing else from the service's environment. The address
# and the token are not among them: the service gives it its own.
NAMES = (
    *("GROUNDPLAN_AGENT_NAME", "GROUNDPLAN_AGENT_SLOTS", "GROUNDPLAN_AGENT_HOME", "GROUNDPLAN_LOG_LEVEL"),
    "GROUNDPLAN_AGENT_IDLE_SECONDS",
    *("GROUNDPLAN_SANDBOX", "GROUNDPLAN_SANDBOX_USER", "GROUNDPLAN_TOOLS", "GROUNDPLAN_PLUGIN_MIRROR"),
    *("GROUNDPLAN_TERRAFORM_RELEASES", "GROUNDPLAN_TERRAFORM_INDEX"),
    *("GROUNDPLAN_OPENTOFU_RELEASES", "GROUNDPLAN_OPENTOFU_INDEX", "GROUNDPLAN_RELEASE_KEYS"),
    *("GROUNDPLAN_RUN_MEMORY_MIB", "GROUNDPLAN_RUN_DISK_MIB", "GROUNDPLAN_RUN_FILE_MIB", "GROUNDPLAN_RUN_PROCESSES"),
    *("GROUNDPLAN_OPA", "GROUNDPLAN_POLICY_SECONDS", "GROUNDPLAN_POLICY_MEMORY_MIB"),
    *("GROUNDPLAN_CONFIGURATION_MIB", "GROUNDPLAN_CONFIGURATION_FILES", "GROUNDPLAN_RUN_GRACE_SECONDS"),
)
# How to reach the network; Terraform gets it, too.
NETWORK = (
    *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "TZ"),
)


def machine_memory() -> int:
    """How much memory this machine has."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


class WrongSettings(Exception):
    """A setting that is missing or makes no sense; the text is for the operator."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How much a run may use."""

    # Terraform and its providers are told to stay below; a run that goes beyond it is ended.
    memory: int = field(default_factory=lambda: max(GIB, min(4 * GIB, machine_memory() // 2)))
    processes: int = 4096
    file_bytes: int = 4 * GIB
    # What the directory of a run may hold, with its providers and modules.
    disk: int = 10 * GIB
    configuration_bytes: int = 1 * GIB
    configuration_files: int = 100_000
    log_bytes: int = 100 * MIB
    # How long Terraform may take to end after it was interrupted because of a timeout.
    grace_seconds: int = 120
    # All policies of a plan together, and the process that evaluates them.
    policy_seconds: int = 60
    policy_memory: int = 1 * GIB


@dataclass(frozen=True, kw_only=True)
class Releases:
    """From where missing versions of Terraform and OpenTofu are downloaded, and who must have signed them."""

    terraform: str = "https://releases.hashicorp.com/terraform"
    terraform_index: str = "https://releases.hashicorp.com/terraform/index.json"
    opentofu: str = "https://github.com/opentofu/opentofu/releases/download"
    opentofu_index: str = "https://get.opentofu.org/tofu/api.json"
    # A folder with terraform.asc and opentofu.asc.
    keys: Path | None = None


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings of an agent."""

    url: str
    token: str
    name: str
    home: Path
    slots: int = 2
    single: bool = False
    # After how long without a job an agent ends that takes one; None: it waits for ever.
    idle_seconds: int | None = None
    sandbox: str = "bwrap"
    sandbox_user: str = "nobody"
    tools: Path | None = None
    plugin_mirror: Path | None = None
    # The program that evaluates policies instead of the engine of the package.
    opa: Path | None = None
    releases: Releases = field(default_factory=Releases)
    limits: Limits = field(default_factory=Limits)
    doorbells: Path | None = None
    # The folder of the service that started an embedded agent, which Terraform must not see.
    service_home: Path | None = None
    # The process that started an embedded agent: when it is gone, the agent ends, too.
    parent: int | None = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str], *, single: bool = False) -> "Settings":
        """Read them; `single` is for an agent that takes one job and ends."""
        read = _Reader(environment)
        url = (read.text("GROUNDPLAN_URL") or "").rstrip("/")
        if not url.startswith(("http://", "https://")):
            raise WrongSettings("GROUNDPLAN_URL must be the address of the service, such as https://terraform.example.")
        kind = read.text("GROUNDPLAN_SANDBOX") or "bwrap"
        if kind not in sandbox.KINDS:
            raise WrongSettings(f"GROUNDPLAN_SANDBOX must be one of {', '.join(sandbox.KINDS)}, not {kind}.")
        standard = Releases()
        limits = Limits()
        terraform = (read.text("GROUNDPLAN_TERRAFORM_RELEASES") or standard.terraform).rstrip("/")
        return cls(
            url=url,
            token=_token(read),
            name=read.text("GROUNDPLAN_AGENT_NAME") or socket.gethostname(),
            home=read.path("GROUNDPLAN_AGENT_HOME") or default_home(environment),
            slots=1 if single else read.number("GROUNDPLAN_AGENT_SLOTS", max(2, os.cpu_count() or 1)),
            single=single,
            idle_seconds=read.number("GROUNDPLAN_AGENT_IDLE_SECONDS", 0) or None,
            sandbox=kind,
            sandbox_user=read.text("GROUNDPLAN_SANDBOX_USER") or cls.sandbox_user,
            tools=read.path("GROUNDPLAN_TOOLS"),
            plugin_mirror=read.path("GROUNDPLAN_PLUGIN_MIRROR"),
            opa=read.path("GROUNDPLAN_OPA"),
            releases=Releases(
                terraform=terraform,
                terraform_index=read.text("GROUNDPLAN_TERRAFORM_INDEX") or f"{terraform}/index.json",
                opentofu=(read.text("GROUNDPLAN_OPENTOFU_RELEASES") or standard.opentofu).rstrip("/"),
                opentofu_index=read.text("GROUNDPLAN_OPENTOFU_INDEX") or standard.opentofu_index,
                keys=read.path("GROUNDPLAN_RELEASE_KEYS"),
            ),
            limits=Limits(
                memory=read.number("GROUNDPLAN_RUN_MEMORY_MIB", limits.memory // MIB) * MIB,
                processes=read.number("GROUNDPLAN_RUN_PROCESSES", limits.processes),
                file_bytes=read.number("GROUNDPLAN_RUN_FILE_MIB", limits.file_bytes // MIB) * MIB,
                disk=read.number("GROUNDPLAN_RUN_DISK_MIB", limits.disk // MIB) * MIB,
                configuration_bytes=read.number("GROUNDPLAN_CONFIGURATION_MIB", limits.configuration_bytes // MIB)
                * MIB,
                configuration_files=read.number("GROUNDPLAN_CONFIGURATION_FILES", limits.configuration_files),
                grace_seconds=read.number("GROUNDPLAN_RUN_GRACE_SECONDS", limits.grace_seconds),
                policy_seconds=read.number("GROUNDPLAN_POLICY_SECONDS", limits.policy_seconds),
                policy_memory=read.number("GROUNDPLAN_POLICY_MEMORY_MIB", limits.policy_memory // MIB) * MIB,
            ),
            service_home=read.path("GROUNDPLAN_HOME"),
            doorbells=read.path("GROUNDPLAN_DOORBELLS"),
            parent=read.number("GROUNDPLAN_AGENT_PARENT", 0) or None,
        )


def default_home(environment: Mapping[str, str]) -> Path:
    """Where an agent works that was told no folder.

    Terraform of an agent that root has started runs as another user, who must be able to enter the folder: that of the
    service and root's own are closed to others.
    """
    if os.geteuid() == 0:
        return Path("/var/lib/groundplan-agent")
    return Path(environment.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "groundplan-agent"


def _token(read: "_Reader") -> str:
    file = read.path("GROUNDPLAN_AGENT_TOKEN_FILE")
    if file is not None:
        try:
            token = file.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise WrongSettings(f"GROUNDPLAN_AGENT_TOKEN_FILE can't be read: {error.strerror}.") from error
    else:
        token = read.text("GROUNDPLAN_AGENT_TOKEN") or ""
    if not token:
        raise WrongSettings("GROUNDPLAN_AGENT_TOKEN or GROUNDPLAN_AGENT_TOKEN_FILE must hold a token of an agent pool.")
    return token


class _Reader:
    def __init__(self, environment: Mapping[str, str]) -> None:
        self.environment = environment

    def text(self, name: str) -> str | None:
        return self.environment.get(name, "").strip() or None

    def path(self, name: str) -> Path | None:
        text = self.text(name)
        return Path(text).absolute() if text else None

    def number(self, name: str, default: int) -> int:
        text = self.text(name)
        if text is None:
            return default
        if not text.isascii() or not text.isdigit():
            raise WrongSettings(f"{name} must be a whole number, not {text}.")
        return int(text)
