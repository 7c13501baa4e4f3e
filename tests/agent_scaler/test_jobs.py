"""The Jobs of agents are closed, whatever their template says."""

from copy import deepcopy
from typing import Any

import pytest

from app.agent_scaler.jobs import UnsafeTemplateError, job_of

CONTAINER: dict[str, Any] = {"name": "agent", "image": "agent"}
OPEN: dict[str, Any] = {
    "metadata": {"generateName": "agent-", "labels": {"team": "a"}},
    "spec": {
        "backoffLimit": 6,
        "parallelism": 4,
        "template": {
            "metadata": {
                "labels": {"app": "agent"},
                "annotations": {"cluster-autoscaler.kubernetes.io/safe-to-evict": "true"},
            },
            "spec": {
                "restartPolicy": "OnFailure",
                "automountServiceAccountToken": True,
                "nodeSelector": {"disk": "ssd"},
                "securityContext": {"runAsNonRoot": False, "seccompProfile": {"type": "Unconfined"}, "fsGroup": 7},
                "initContainers": [{"name": "tools", "image": "tools"}],
                "containers": [
                    {
                        "name": "agent",
                        "image": "agent",
                        "env": [
                            {"name": "GROUNDPLAN_AGENT_NAME", "value": "mine"},
                            {"name": "GROUNDPLAN_URL", "value": "https://terraform.example"},
                            {"name": "GROUNDPLAN_RELEASE_KEYS", "value": "/keys"},
                            {
                                "name": "AWS_SECRET_ACCESS_KEY",
                                "valueFrom": {"secretKeyRef": {"name": "aws", "key": "key"}},
                            },
                        ],
                        "securityContext": {
                            "allowPrivilegeEscalation": True,
                            "readOnlyRootFilesystem": False,
                            "capabilities": {"add": ["SYS_ADMIN"]},
                            "seccompProfile": {"type": "Unconfined"},
                        },
                    }
                ],
            },
        },
    },
}


def test_what_is_open_is_closed() -> None:
    before = deepcopy(OPEN)
    job = job_of(OPEN, "agents", "key", 2)
    assert before == OPEN
    assert (job["apiVersion"], job["kind"]) == ("batch/v1", "Job")
    assert job["metadata"] == {
        "name": "agents-key-2",
        "labels": {
            "team": "a",
            "app.kubernetes.io/managed-by": "groundplan-agent-scaler",
            "app.kubernetes.io/instance": "agents",
            "groundplan/job": "key",
        },
    }
    spec = job["spec"]
    assert (spec["backoffLimit"], spec["completions"], spec["parallelism"]) == (0, 1, 1)
    assert spec["ttlSecondsAfterFinished"] == 600
    assert spec["template"]["metadata"]["annotations"] == {"cluster-autoscaler.kubernetes.io/safe-to-evict": "false"}
    pod = spec["template"]["spec"]
    assert pod["restartPolicy"] == "Never"
    assert pod["automountServiceAccountToken"] is False
    assert pod["terminationGracePeriodSeconds"] == 24 * 60 * 60
    assert pod["nodeSelector"] == {"disk": "ssd"}
    assert pod["securityContext"] == {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}, "fsGroup": 7}
    for container in (*pod["initContainers"], *pod["containers"]):
        assert container["securityContext"] == {
            "privileged": False,
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
            "capabilities": {"drop": ["ALL"]},
        }
    names = [each["name"] for each in pod["containers"][0]["env"]]
    assert names.count("GROUNDPLAN_AGENT_NAME") == 1
    assert pod["containers"][0]["env"][-1]["value"] == "agents-key-2"


def in_spec(**members: Any) -> dict[str, Any]:
    return {"spec": {"template": {"spec": {"containers": [deepcopy(CONTAINER)]}}, **members}}


def in_pod(**members: Any) -> dict[str, Any]:
    return {"spec": {"template": {"spec": {"containers": [deepcopy(CONTAINER)], **members}}}}


def in_container(**members: Any) -> dict[str, Any]:
    return in_pod(containers=[{**CONTAINER, **members}])


TOKEN_VOLUME = {"name": "token", "projected": {"sources": [{"serviceAccountToken": {"path": "token"}}]}}


@pytest.mark.parametrize(
    ("template", "told"),
    [
        ({}, "has no spec"),
        ({"spec": {}}, "has no template"),
        (in_pod(containers=[]), "no container"),
        (in_spec(activeDeadlineSeconds=60), "would kill an apply"),
        (in_spec(podFailurePolicy={"rules": []}), "start an apply again"),
        (in_pod(activeDeadlineSeconds=60), "would kill an apply"),
        (in_pod(hostNetwork=True), "hostNetwork"),
        (in_pod(hostPID=True), "hostPID"),
        (in_pod(hostIPC=True), "hostIPC"),
        (in_pod(volumes=[{"name": "node", "hostPath": {"path": "/"}}]), "the node's files"),
        (in_pod(volumes=[TOKEN_VOLUME]), "a token of the cluster"),
        (in_pod(securityContext={"runAsUser": 0}), "The pod runs as root"),
        (in_container(securityContext={"runAsUser": 0}), "The container agent runs as root"),
        (in_container(securityContext={"privileged": True}), "is privileged"),
        (in_container(env=[{"name": "GROUNDPLAN_AGENT_TOKEN", "value": "abc"}]), "by valueFrom.secretKeyRef"),
        (in_container(env=[{"name": "AWS_SECRET_ACCESS_KEY", "value": "abc"}]), "by valueFrom.secretKeyRef"),
    ],
)
def test_what_can_not_be_closed_is_refused(template: dict[str, Any], told: str) -> None:
    with pytest.raises(UnsafeTemplateError, match=told) as refused:
        job_of(template, "agents", "key", 0)
    assert "abc" not in str(refused.value)
