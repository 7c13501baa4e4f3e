"""The command ``groundplan-agent-scaler``."""

import argparse
import logging
import os
import re
import signal
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from app.agent.client import Client
from app.agent_scaler.jobs import Document, UnsafeTemplateError, job_of

logger = logging.getLogger("app.agent_scaler")

OWN_NAMESPACE: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
# So long that a name made from it fits into a label.
INSTANCE: Final = re.compile(r"[a-z]([a-z0-9-]{0,34}[a-z0-9])?")
MISSING: Final = "The agent scaler needs the extra groundplan[kubernetes]: pip install '.[kubernetes]' in the checkout."


class WrongSettings(Exception):
    """A setting that is missing or makes no sense; the text is for the operator."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the scaler is told by its environment."""

    url: str
    token: str
    template: Document
    namespace: str
    instance: str = "groundplan-agent"
    maximum: int = 10
    seconds: float = 5.0

    @classmethod
    def from_environment(cls, given: Mapping[str, str]) -> "Settings":
        """Read them."""
        url = given.get("GROUNDPLAN_URL", "").rstrip("/")
        if not url.startswith(("http://", "https://")):
            raise WrongSettings("GROUNDPLAN_URL must be the address of the service, such as https://terraform.example.")
        instance = given.get("GROUNDPLAN_SCALER_INSTANCE") or cls.instance
        if not INSTANCE.fullmatch(instance):
            raise WrongSettings("GROUNDPLAN_SCALER_INSTANCE must have up to 36 small letters, digits and hyphens.")
        return cls(
            url=url,
            token=_token(given),
            template=_template(given.get("GROUNDPLAN_SCALER_TEMPLATE", "")),
            namespace=given.get("GROUNDPLAN_SCALER_NAMESPACE") or _own_namespace(),
            instance=instance,
            maximum=_number(given, "GROUNDPLAN_SCALER_MAXIMUM", cls.maximum),
            seconds=_number(given, "GROUNDPLAN_SCALER_SECONDS", int(cls.seconds)),
        )


def main(arguments: list[str] | None = None) -> int:
    """Run until it is asked to end."""
    parser = argparse.ArgumentParser(
        prog="groundplan-agent-scaler",
        description="Starts a Kubernetes Job with an agent for each job that waits. It is set by the environment.",
    )
    parser.add_argument("--print", action="store_true", help="print the Job that would be made, and end")
    chosen = parser.parse_args(arguments)
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    logger.setLevel(logging.INFO)
    try:
        settings = Settings.from_environment(os.environ)
        # What is wrong with the template is said at once, and not when the first run waits.
        example = job_of(settings.template, settings.instance, "0" * 20, 0)
        if chosen.print:
            sys.stdout.write(_dump(example))
            return 0
        batch = connect()
    except (WrongSettings, UnsafeTemplateError) as error:
        logger.error("%s", error)  # noqa: TRY400 - the text is for the operator
        return 2
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    serve(settings, batch, ended)
    return 0


def serve(settings: Settings, batch: Any, ended: threading.Event) -> None:  # noqa: ANN401 - the library has no types
    """Scale until it is asked to end."""
    from app.agent_scaler.scaler import Scaler  # noqa: PLC0415 - the library was looked for before

    service = Client(settings.url, settings.token, connections=1, user_agent="groundplan-agent-scaler")
    scaler = Scaler(service, batch, settings.template, settings.instance, settings.namespace, settings.maximum)
    try:
        scaler.run(settings.seconds, ended)
    finally:
        service.close()


def connect() -> Any:  # noqa: ANN401 - the library has no types
    """The batch API of the cluster that this runs in, or else of the one that KUBECONFIG names."""
    try:
        from kubernetes import client, config  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise WrongSettings(MISSING) from error
    try:
        if "KUBERNETES_SERVICE_HOST" in os.environ:
            config.load_incluster_config()  # type: ignore[no-untyped-call]
        else:
            config.load_kube_config(os.environ.get("KUBECONFIG") or None)  # type: ignore[no-untyped-call]
    except (config.ConfigException, OSError) as error:
        raise WrongSettings(f"No cluster is known here: {error}") from error
    return client.BatchV1Api()


def _template(path: str) -> Document:
    if not path:
        raise WrongSettings("GROUNDPLAN_SCALER_TEMPLATE must be the path of a Job in YAML.")
    try:
        import yaml  # noqa: PLC0415 - it comes with the extra
    except ImportError as error:
        raise WrongSettings(MISSING) from error
    try:
        found = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise WrongSettings(f"GROUNDPLAN_SCALER_TEMPLATE can't be read: {error.strerror}.") from error
    except yaml.YAMLError as error:
        raise WrongSettings("GROUNDPLAN_SCALER_TEMPLATE is no YAML.") from error
    if not isinstance(found, dict):
        raise WrongSettings("GROUNDPLAN_SCALER_TEMPLATE must hold one Job.")
    return found


def _dump(job: Document) -> str:
    import yaml  # noqa: PLC0415 - it comes with the extra

    return str(yaml.safe_dump(job, sort_keys=False))


def _token(given: Mapping[str, str]) -> str:
    path = given.get("GROUNDPLAN_AGENT_TOKEN_FILE")
    try:
        token = Path(path).read_text(encoding="utf-8").strip() if path else given.get("GROUNDPLAN_AGENT_TOKEN", "")
    except OSError as error:
        raise WrongSettings(f"GROUNDPLAN_AGENT_TOKEN_FILE can't be read: {error.strerror}.") from error
    if not token:
        raise WrongSettings("GROUNDPLAN_AGENT_TOKEN or GROUNDPLAN_AGENT_TOKEN_FILE must hold a token of the pool.")
    return token


def _own_namespace() -> str:
    try:
        return OWN_NAMESPACE.read_text(encoding="utf-8").strip()
    except OSError:
        return "default"


def _number(given: Mapping[str, str], name: str, default: int) -> int:
    text = given.get(name) or str(default)
    if not re.fullmatch("[1-9][0-9]{0,5}", text):
        raise WrongSettings(f"{name} must be a positive whole number.")
    return int(text)


if __name__ == "__main__":
    raise SystemExit(main())
