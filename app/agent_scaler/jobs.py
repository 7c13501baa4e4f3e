"""The Kubernetes Jobs that agents run in: made from the operator's template, and closed whatever that says."""

import re
from collections.abc import Iterator
from copy import deepcopy
from typing import Any, Final

Document = dict[str, Any]

MANAGED_BY: Final = "app.kubernetes.io/managed-by"
INSTANCE: Final = "app.kubernetes.io/instance"
OF_JOB: Final = "groundplan/job"
OWN_NAME: Final = "groundplan-agent-scaler"
# Kubernetes forgets a Job that has ended after so long.
KEEP_SECONDS: Final = 600
# A pod that is asked to end may finish its apply.
GRACE_SECONDS: Final = 24 * 60 * 60
SECRET: Final = re.compile(r"TOKEN|SECRET|PASSWORD|PASSWD|KEY|CREDENTIAL", re.IGNORECASE)
# Names that only look like secrets: they hold a path.
PATHS: Final = frozenset({"GROUNDPLAN_RELEASE_KEYS", "GROUNDPLAN_AGENT_TOKEN_FILE"})


class UnsafeTemplateError(Exception):
    """The template asks for something that an agent's pod must not have; the text is for the operator."""


def job_of(template: Document, instance: str, key: str, attempt: int) -> Document:
    """The Job for the job with this key: the template, closed, with a name that two scalers would agree on."""
    job = deepcopy(template)
    name = f"{instance}-{key}-{attempt}"
    labels = {MANAGED_BY: OWN_NAME, INSTANCE: instance, OF_JOB: key}
    job["apiVersion"], job["kind"] = "batch/v1", "Job"
    metadata = job.setdefault("metadata", {})
    metadata.pop("generateName", None)
    metadata["name"] = name
    metadata["labels"] = {**metadata.get("labels", {}), **labels}
    spec = _object(job, "spec")
    # An apply must never be started again by Kubernetes, nor be ended because it takes long.
    if "activeDeadlineSeconds" in spec:
        raise UnsafeTemplateError("spec.activeDeadlineSeconds would kill an apply; leave it out.")
    if "podFailurePolicy" in spec:
        raise UnsafeTemplateError("spec.podFailurePolicy could start an apply again; leave it out.")
    spec |= {"backoffLimit": 0, "completions": 1, "parallelism": 1, "podReplacementPolicy": "Failed"}
    spec.setdefault("ttlSecondsAfterFinished", KEEP_SECONDS)
    pod_template = _object(spec, "template")
    pod_metadata = pod_template.setdefault("metadata", {})
    pod_metadata["labels"] = {**pod_metadata.get("labels", {}), **labels}
    # Nor may a node be emptied under it to save its costs.
    pod_metadata.setdefault("annotations", {})["cluster-autoscaler.kubernetes.io/safe-to-evict"] = "false"
    pod = _object(pod_template, "spec")
    _close_pod(pod)
    for container in _containers(pod):
        _close_container(container)
    _name_agent(pod["containers"][0], name)
    return job


def attempt_of(name: str) -> int:
    """Which attempt the Job with this name is; the first one is 0."""
    number = name.rpartition("-")[2]
    return int(number) if number.isdecimal() else 0


def _close_pod(pod: Document) -> None:
    for name in ("hostNetwork", "hostPID", "hostIPC"):
        if pod.get(name):
            raise UnsafeTemplateError(f"{name} would open the node to every configuration; leave it out.")
    if pod.get("activeDeadlineSeconds"):
        raise UnsafeTemplateError("activeDeadlineSeconds of the pod would kill an apply; leave it out.")
    for volume in pod.get("volumes", []):
        if "hostPath" in volume:
            raise UnsafeTemplateError(f"The volume {volume.get('name')} opens the node's files; use another kind.")
        if any("serviceAccountToken" in each for each in volume.get("projected", {}).get("sources", [])):
            raise UnsafeTemplateError(f"The volume {volume.get('name')} has a token of the cluster; leave it out.")
    pod["restartPolicy"] = "Never"
    pod["automountServiceAccountToken"] = False
    pod.setdefault("enableServiceLinks", False)
    pod.setdefault("terminationGracePeriodSeconds", GRACE_SECONDS)
    context = pod.setdefault("securityContext", {})
    _refuse_root(context, "The pod")
    context["runAsNonRoot"] = True
    context["seccompProfile"] = {"type": "RuntimeDefault"}


def _close_container(container: Document) -> None:
    what = f"The container {container.get('name')}"
    context = container.setdefault("securityContext", {})
    _refuse_root(context, what)
    if context.get("privileged"):
        raise UnsafeTemplateError(f"{what} is privileged: every configuration would own the node.")
    context |= {
        "privileged": False,
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "runAsNonRoot": True,
        "capabilities": {"drop": ["ALL"]},
    }
    context.pop("seccompProfile", None)
    for variable in container.get("env", []):
        name = str(variable.get("name"))
        if variable.get("value") and SECRET.search(name) and name not in PATHS:
            raise UnsafeTemplateError(
                f"{what} has the value of {name} in its specification, which everybody reads who sees Jobs; "
                "take it from a Secret by valueFrom.secretKeyRef."
            )


def _refuse_root(context: Document, what: str) -> None:
    if context.get("runAsUser") == 0 or context.get("runAsGroup") == 0:
        raise UnsafeTemplateError(f"{what} runs as root; choose another user and group.")


def _name_agent(container: Document, name: str) -> None:
    kept = [each for each in container.get("env", []) if each.get("name") != "GROUNDPLAN_AGENT_NAME"]
    container["env"] = [*kept, {"name": "GROUNDPLAN_AGENT_NAME", "value": name}]


def _containers(pod: Document) -> Iterator[Document]:
    if not isinstance(pod.get("containers"), list) or not pod["containers"]:
        raise UnsafeTemplateError("The template has no container.")
    if pod.get("ephemeralContainers"):
        raise UnsafeTemplateError("ephemeralContainers are no part of a template; leave them out.")
    yield from pod.get("initContainers", [])
    yield from pod["containers"]


def _object(parent: Document, name: str) -> Document:
    found = parent.get(name)
    if not isinstance(found, dict):
        raise UnsafeTemplateError(f"The template is no Job: it has no {name}.")
    return found
