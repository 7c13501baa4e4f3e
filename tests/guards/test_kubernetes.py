"""The manifests are what Kubernetes understands, and as closed as the documents say."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from app.agent_scaler.jobs import SECRET
from tests.guards.test_mission import ROOT

FOLDER = ROOT / "deploy" / "kubernetes"
# The oldest one that is still maintained somewhere, and the newest one that has schemas.
VERSIONS = ("1.31", kubernetes_validate.latest_version())
OF_KEDA = "keda.sh/v1alpha1"


def documents() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in sorted(FOLDER.glob("*.yaml")):
        for each in yaml.safe_load_all(path.read_text(encoding="utf-8")):
            yield path.name, each


DOCUMENTS = [pytest.param(each, id=f"{name}-{each['kind']}-{each['metadata']['name']}") for name, each in documents()]


def job_of_keda(document: dict[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "job"},
        "spec": document["spec"]["jobTargetRef"],
    }


def templates() -> list[dict[str, Any]]:
    """The specifications of all pods."""
    found = []
    for _, each in documents():
        if each["kind"] in {"Deployment", "Job"}:
            found.append(each["spec"]["template"]["spec"])
        elif each["kind"] == "ScaledJob":
            found.append(each["spec"]["jobTargetRef"]["template"]["spec"])
        elif "job.yaml" in each.get("data", {}):
            found.append(yaml.safe_load(each["data"]["job.yaml"])["spec"]["template"]["spec"])
    return found


PODS = [pytest.param(each, id=f"{number}-{each['containers'][0]['name']}") for number, each in enumerate(templates())]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("document", DOCUMENTS)
def test_kubernetes_understands_them(document: dict[str, Any], version: str) -> None:
    if document["kind"] == "TriggerAuthentication":
        return
    checked = job_of_keda(document) if document["apiVersion"] == OF_KEDA else document
    kubernetes_validate.validate(checked, version, strict=True)
    if "job.yaml" in document.get("data", {}):
        kubernetes_validate.validate(yaml.safe_load(document["data"]["job.yaml"]), version, strict=True)


def test_all_parts_are_there() -> None:
    kinds = sorted(f"{each['kind']} {each['metadata']['name']}" for _, each in documents())
    assert [kind for kind in kinds if kind.startswith(("Deployment", "Scaled"))] == [
        "Deployment groundplan",
        "Deployment groundplan-agent",
        "Deployment groundplan-agent-scaler",
        "Deployment groundplan-worker",
        "ScaledJob groundplan-agent",
    ]
    assert [kind for kind in kinds if kind.startswith(("Job", "Pod"))] == [
        "Job groundplan-migrate",
        "PodDisruptionBudget groundplan",
        "PodDisruptionBudget groundplan-worker",
    ]
    assert not any(kind.startswith("Secret") for kind in kinds)


def test_an_upgrade_takes_no_pod_away_before_another_one_is_ready() -> None:
    [service] = [
        each for _, each in documents() if each["metadata"]["name"] == "groundplan" and each["kind"] == "Deployment"
    ]
    assert service["spec"]["replicas"] > 1
    assert service["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
    [container] = service["spec"]["template"]["spec"]["containers"]
    probes = {name: container[name]["httpGet"]["path"] for name in container if name.endswith("Probe")}
    assert probes == {"startupProbe": "/healthz", "readinessProbe": "/readyz", "livenessProbe": "/healthz"}
    # Pods that start leave the tables to the Job.
    assert container["args"] == ["groundplan", "serve", "--no-upgrade"]
    [job] = [each for _, each in documents() if each["kind"] == "Job"]
    assert job["spec"]["template"]["spec"]["containers"][0]["args"] == ["groundplan", "admin", "db", "upgrade"]


@pytest.mark.parametrize("pod", PODS)
def test_pods_are_closed(pod: dict[str, Any]) -> None:
    context = pod["securityContext"]
    assert context["runAsNonRoot"] is True
    assert context["runAsUser"] > 0
    assert context["seccompProfile"] == {"type": "RuntimeDefault"}
    [container] = pod["containers"]
    assert pod["automountServiceAccountToken"] is (container["name"] == "scaler")
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert container["resources"]["limits"]["memory"]
    for variable in container["env"]:
        assert not (SECRET.search(variable["name"]) and "value" in variable)
    if container["name"] == "agent":
        assert pod["terminationGracePeriodSeconds"] >= 24 * 60 * 60


def test_agents_that_come_and_go_are_not_started_again_or_killed() -> None:
    [keda] = [each for _, each in documents() if each["kind"] == "ScaledJob"]
    [scaled] = [each for _, each in documents() if "job.yaml" in each.get("data", {})]
    own = yaml.safe_load(scaled["data"]["job.yaml"])["spec"]
    for job in (keda["spec"]["jobTargetRef"], own):
        assert job["backoffLimit"] == 0
        assert "activeDeadlineSeconds" not in job
        assert job["template"]["spec"]["restartPolicy"] == "Never"
        assert "--single" in job["template"]["spec"]["containers"][0]["args"]
        annotations = job["template"]["metadata"]["annotations"]
        assert annotations == {"cluster-autoscaler.kubernetes.io/safe-to-evict": "false"}
    # Both ways are the same pod.
    assert keda["spec"]["jobTargetRef"]["template"] == own["template"]
    # Else KEDA would delete running Jobs when this resource changes.
    assert keda["spec"]["rollout"] == {"strategy": "gradual"}


def test_the_scaler_may_make_jobs_and_look_at_them() -> None:
    [role] = [each for _, each in documents() if each["kind"] == "Role"]
    assert role["rules"] == [{"apiGroups": ["batch"], "resources": ["jobs"], "verbs": ["create", "list"]}]


def test_every_setting_is_one_of_ours() -> None:
    own = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "app").rglob("*.py"))
    for path in FOLDER.glob("*.yaml"):
        named = set(re.findall(r"GROUNDPLAN_[A-Z0-9_]+", path.read_text(encoding="utf-8")))
        assert {name for name in named if name not in own} == set(), Path(path).name
