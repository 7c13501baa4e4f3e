"""The agent scaler: one Job for each job that waits, and none that is not needed."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from kubernetes import client as kubernetes

from app.agent.client import Client
from app.agent_scaler import main as command
from app.agent_scaler.jobs import Document
from app.agent_scaler.main import Settings, WrongSettings, connect
from app.agent_scaler.scaler import Scaler
from tests.support.kubernetes_api import NAMESPACE, PATH, KubernetesApi

MANIFESTS = Path(__file__).parents[2] / "deploy" / "kubernetes"
VERSION = "1.33"


class Queue(Client):
    """What the service says of the pool."""

    def __init__(self, *jobs: str) -> None:
        super().__init__("http://service.test", "token")
        self.jobs = list(jobs)
        self.asked: list[str] = []

    def call(self, method: str, path: str, *_: Any, **__: Any) -> tuple[int, Document | None, dict[str, str]]:
        self.asked.append(f"{method} {path}")
        return 200, {"jobs": self.jobs}, {}


@pytest.fixture
def cluster() -> Iterator[KubernetesApi]:
    api = KubernetesApi()
    yield api
    api.stop()


@pytest.fixture(scope="session")
def template() -> Document:
    for each in yaml.safe_load_all((MANIFESTS / "agent-scaler.yaml").read_text()):
        if each["kind"] == "ConfigMap":
            found: Document = yaml.safe_load(each["data"]["job.yaml"])
            return found
    raise AssertionError


@pytest.fixture
def scaling(cluster: KubernetesApi, template: Document) -> Callable[..., Scaler]:
    def make(queue: Queue, maximum: int = 10, instance: str = "agents") -> Scaler:
        configuration = kubernetes.Configuration(host=cluster.url)
        # The library would try again for half a minute.
        configuration.retries = False
        batch = kubernetes.BatchV1Api(kubernetes.ApiClient(configuration))
        return Scaler(queue, batch, template, instance, NAMESPACE, maximum)

    return make


def ago(seconds: float) -> str:
    return (datetime.now(UTC) - timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def test_each_job_that_waits_gets_one(cluster: KubernetesApi, scaling: Callable[..., Scaler]) -> None:
    queue = Queue("job-aB.0", "job-Ab.0", "job-c.0")
    scaler = scaling(queue)
    assert [scaler.turn(), scaler.turn()] == [3, 0]
    assert queue.asked == ["GET /queue"] * 2
    for job in cluster.created:
        kubernetes_validate.validate(job, VERSION, strict=True)
        name = job["metadata"]["name"]
        assert name.startswith("agents-")
        # Kubernetes makes a label of it, and a part of the names of pods.
        assert len(name) <= 63
        assert {"name": "GROUNDPLAN_AGENT_NAME", "value": name} in job["spec"]["template"]["spec"]["containers"][0][
            "env"
        ]
    # It has begun: it is not in the queue any more. Another one waits.
    queue.jobs = ["job-d.0"]
    assert scaler.turn() == 1
    assert len(cluster.jobs) == 4


def test_two_scalers_make_one(cluster: KubernetesApi, scaling: Callable[..., Scaler]) -> None:
    queue = Queue(*(f"job-{number}.0" for number in range(8)))
    threads = [threading.Thread(target=scaling(queue).turn) for _ in range(2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(cluster.created) == 8


def test_there_is_a_maximum(cluster: KubernetesApi, scaling: Callable[..., Scaler]) -> None:
    queue = Queue(*(f"job-{number}.0" for number in range(5)))
    scaler = scaling(queue, maximum=3)
    assert [scaler.turn(), scaler.turn()] == [3, 0]
    cluster.end(cluster.created[0]["metadata"]["name"], ago(1))
    queue.jobs = queue.jobs[1:]
    assert scaler.turn() == 1


def test_one_that_comes_back_gets_another_one(scaling: Callable[..., Scaler]) -> None:
    queue = Queue("job-a.0")
    scaler = scaling(queue)
    scaler.turn()
    # It was given out, its agent was lost, and it waits again.
    queue.jobs = ["job-a.1"]
    assert scaler.turn() == 1


def test_a_job_whose_agent_never_came_is_tried_again_more_and_more_rarely(
    cluster: KubernetesApi, scaling: Callable[..., Scaler]
) -> None:
    scaler = scaling(Queue("job-a.0"))
    scaler.turn()
    first = cluster.created[0]["metadata"]["name"]
    cluster.end(first, ago(10), "Failed")
    assert scaler.turn() == 0
    cluster.end(first, ago(20), "Failed")
    assert scaler.turn() == 1
    second = cluster.created[1]["metadata"]["name"]
    assert second == first.removesuffix("0") + "1"
    cluster.end(first, ago(60), "Failed")
    cluster.end(second, ago(20), "Failed")
    assert scaler.turn() == 0
    cluster.end(second, ago(40), "Failed")
    assert scaler.turn() == 1


def test_a_job_that_kubernetes_has_forgotten_keeps_no_other_one_from_being_made(
    cluster: KubernetesApi, scaling: Callable[..., Scaler]
) -> None:
    scaler = scaling(Queue("job-a.0"))
    for number in range(2):
        assert scaler.turn() == 1
        cluster.end(cluster.created[number]["metadata"]["name"], ago(60), "Failed")
    del cluster.jobs[cluster.created[0]["metadata"]["name"]]
    assert scaler.turn() == 1
    assert cluster.created[2]["metadata"]["name"] == cluster.created[0]["metadata"]["name"].removesuffix("0") + "2"


def test_it_deletes_and_changes_nothing_and_reads_nothing_else(
    cluster: KubernetesApi, scaling: Callable[..., Scaler]
) -> None:
    queue = Queue("job-a.0", "job-b.0", "job-c.0")
    scaler = scaling(queue)
    scaler.turn()
    # Nothing waits any more, and all of them work.
    queue.jobs = []
    scaler.turn()
    queue.jobs = ["job-d.0"]
    scaler.turn()
    assert {method for method, _ in cluster.requests} == {"GET", "POST"}
    assert {path.partition("?")[0] for _, path in cluster.requests} == {PATH}
    assert len(cluster.jobs) == 4


def test_those_of_another_scaler_are_not_its_own(scaling: Callable[..., Scaler]) -> None:
    queue = Queue("job-a.0")
    assert scaling(queue, 1, "blue").turn() == 1
    assert scaling(queue, 1, "green").turn() == 1


def test_trouble_passes(
    cluster: KubernetesApi, scaling: Callable[..., Scaler], caplog: pytest.LogCaptureFixture
) -> None:
    scaler = scaling(Queue("job-a.0"))
    cluster.is_broken = True
    ended = threading.Event()
    thread = threading.Thread(target=scaler.run, args=(0.02, ended))
    thread.start()
    try:
        while not any(method == "GET" for method, _ in cluster.requests):
            time.sleep(0.01)
        cluster.is_broken = False
        while not cluster.created:
            time.sleep(0.01)
    finally:
        ended.set()
        thread.join(10)
    assert "Kubernetes refuses: 500" in caplog.text


# --- the command ---------------------------------------------------------------------------------------------------


@pytest.fixture
def given(tmp_path: Path, template: Document) -> dict[str, str]:
    path = tmp_path / "job.yaml"
    path.write_text(yaml.safe_dump(template))
    return {
        "GROUNDPLAN_URL": "https://terraform.example/",
        "GROUNDPLAN_AGENT_TOKEN": "token",
        "GROUNDPLAN_SCALER_TEMPLATE": str(path),
    }


def test_settings(given: dict[str, str], tmp_path: Path, template: Document) -> None:
    found = Settings.from_environment(given)
    assert (found.url, found.token, found.template) == ("https://terraform.example", "token", template)
    assert (found.namespace, found.instance, found.maximum, found.seconds) == ("default", "groundplan-agent", 10, 5)
    file = tmp_path / "token"
    file.write_text("from a file\n")
    also = {"GROUNDPLAN_AGENT_TOKEN_FILE": str(file), "GROUNDPLAN_SCALER_MAXIMUM": "50"}
    assert Settings.from_environment(given | also).token == "from a file"


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"GROUNDPLAN_URL": "terraform.example"}, "GROUNDPLAN_URL must be"),
        ({"GROUNDPLAN_AGENT_TOKEN": ""}, "must hold a token of the pool"),
        ({"GROUNDPLAN_AGENT_TOKEN_FILE": "/nowhere"}, "GROUNDPLAN_AGENT_TOKEN_FILE can't be read"),
        ({"GROUNDPLAN_SCALER_TEMPLATE": ""}, "GROUNDPLAN_SCALER_TEMPLATE must be the path"),
        ({"GROUNDPLAN_SCALER_TEMPLATE": "/nowhere"}, "GROUNDPLAN_SCALER_TEMPLATE can't be read"),
        ({"GROUNDPLAN_SCALER_INSTANCE": "Agents"}, "GROUNDPLAN_SCALER_INSTANCE must"),
        ({"GROUNDPLAN_SCALER_MAXIMUM": "0"}, "GROUNDPLAN_SCALER_MAXIMUM must be"),
    ],
)
def test_settings_that_make_no_sense(given: dict[str, str], changed: dict[str, str], told: str) -> None:
    with pytest.raises(WrongSettings, match=told):
        Settings.from_environment(given | changed)


def test_it_prints_the_job_that_it_would_make(
    given: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    assert command.main(["--print"]) == 0
    kubernetes_validate.validate(yaml.safe_load(capsys.readouterr().out), VERSION, strict=True)


def test_a_template_that_would_open_something_is_refused_at_once(
    given: dict[str, str], monkeypatch: pytest.MonkeyPatch, template: Document, caplog: pytest.LogCaptureFixture
) -> None:
    spec = {**template["spec"], "activeDeadlineSeconds": 3600}
    Path(given["GROUNDPLAN_SCALER_TEMPLATE"]).write_text(yaml.safe_dump({**template, "spec": spec}))
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    assert command.main([]) == 2
    assert "activeDeadlineSeconds would kill an apply" in caplog.text


@pytest.fixture
def kubeconfig(cluster: KubernetesApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file by which the cluster is found outside of it."""
    path = tmp_path / "config"
    context = {"name": "here", "context": {"cluster": "here", "user": "me"}}
    path.write_text(
        yaml.safe_dump(
            {
                "current-context": "here",
                "clusters": [{"name": "here", "cluster": {"server": cluster.url}}],
                "users": [{"name": "me", "user": {}}],
                "contexts": [context],
            }
        )
    )
    monkeypatch.setenv("KUBECONFIG", str(path))
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    return path


@pytest.mark.usefixtures("kubeconfig")
def test_the_command_makes_jobs_until_it_is_asked_to_end(
    cluster: KubernetesApi, given: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked_to_end: dict[int, Callable[..., None]] = {}
    monkeypatch.setattr(signal, "signal", lambda number, do: asked_to_end.update({number: do}))
    others = {"GROUNDPLAN_URL": cluster.url, "GROUNDPLAN_SCALER_NAMESPACE": NAMESPACE, "GROUNDPLAN_SCALER_SECONDS": "1"}
    for name, value in (given | others).items():
        monkeypatch.setenv(name, value)
    cluster.queue = ["job-a.0"]
    thread = threading.Thread(target=command.main, args=([],))
    thread.start()
    try:
        due = time.monotonic() + 10
        while not cluster.created:
            assert time.monotonic() < due
            time.sleep(0.02)
    finally:
        while signal.SIGTERM not in asked_to_end:
            time.sleep(0.02)
        asked_to_end[signal.SIGTERM]()
        thread.join(10)
    assert not thread.is_alive()


def test_without_a_cluster_it_says_so(kubeconfig: Path) -> None:
    kubeconfig.unlink()
    with pytest.raises(WrongSettings, match="No cluster is known here"):
        connect()
