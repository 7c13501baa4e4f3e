"""The agents that gunicorn starts beside itself, for the built-in pool."""

import os
from collections.abc import Mapping
from typing import Final

from app.agent import sandbox
from app.agent.settings import NAMES, NETWORK
from app.authentication.tokens import built_in_pool_token
from app.config import Settings
from app.doorbells import FOLDER
from app.embedded import Embedded

# Without these, Python might not find itself or the package.
OF_PYTHON: Final = ("PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH")
OF_THE_SYSTEM: Final = ("PATH", "HOME", "XDG_STATE_HOME", "TMPDIR", "LANG", "LANGUAGE")


def why_none(settings: Settings, environment: Mapping[str, str]) -> str | None:
    """Why no agent can be started here although one is wanted; None if nothing is in the way."""
    kind = environment.get("GROUNDPLAN_SANDBOX", "").strip() or "bwrap"
    if settings.agents == 0 or kind == "none":
        return None
    if kind == "container":
        return (
            "Runs are not executed here, because GROUNDPLAN_SANDBOX=container would let every configuration read the "
            "keys of the service, which is in the same container: set GROUNDPLAN_AGENTS=0 and start groundplan-agent "
            "in a container of its own."
        )
    if kind != "bwrap":
        return f"Runs are not executed here, because GROUNDPLAN_SANDBOX must be bwrap or none, not {kind}."
    reason = sandbox.why_unavailable(environment.get("GROUNDPLAN_SANDBOX_USER") or "nobody")
    if reason is None:
        return None
    return (
        f"Runs are not executed here, because no sandbox can be made ({reason}): allow user namespaces, or start "
        f"groundplan-agent in a container of its own, or set GROUNDPLAN_SANDBOX=none if every configuration may do "
        f"what this user may, or GROUNDPLAN_AGENTS=0 to hide this."
    )


class EmbeddedAgents(Embedded):
    """Agents beside the service. When it stops, one that applies goes on until its state is handed over."""

    what = "agent"
    module = "app.agent.main"
    # An agent that serves nothing ends at once.
    stop_seconds = 1.0

    def __init__(self, settings: Settings, url: str) -> None:
        super().__init__(settings.agents, settings.home / FOLDER)
        self._environment = agent_environment(settings, url)

    def environment(self, number: int) -> dict[str, str]:
        """What it is told."""
        name = f"{self._environment['GROUNDPLAN_AGENT_NAME']}-{number}"
        return self._environment | {"GROUNDPLAN_AGENT_NAME": name}


def agent_environment(settings: Settings, url: str) -> dict[str, str]:
    """What an embedded agent is told: its settings and its token, and nothing else that the service was told."""
    allowed = {*NAMES, *NETWORK, *OF_PYTHON, *OF_THE_SYSTEM}
    environment = {name: value for name, value in os.environ.items() if name in allowed or name.startswith("LC_")}
    if os.geteuid() != 0:
        environment.setdefault("GROUNDPLAN_AGENT_HOME", str(settings.home / "agents"))
    environment.setdefault("GROUNDPLAN_AGENT_NAME", "embedded")
    return environment | {
        "GROUNDPLAN_URL": url,
        "GROUNDPLAN_AGENT_TOKEN": built_in_pool_token(settings.secret_key),
        "GROUNDPLAN_HOME": str(settings.home),
        "GROUNDPLAN_AGENT_PARENT": str(os.getpid()),
        "GROUNDPLAN_DOORBELLS": str(settings.home / FOLDER),
    }
