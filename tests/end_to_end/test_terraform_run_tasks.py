"""The real terraform with a run that a run task is asked about, and a real agent and worker."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from tests.end_to_end.agents import AgentProcess
from tests.end_to_end.service import MEDIA_TYPE, Service
from tests.end_to_end.terraform import Terraform, cloud, needs_terraform, output
from tests.support.receivers import Receiver

pytestmark = [needs_terraform, pytest.mark.one_database]

SECONDS = 60


@pytest.fixture(scope="module")
def service(calling_service: Service) -> Service:
    """The service of these tests."""
    return calling_service


@pytest.fixture(scope="module")
def agent(service: Service) -> Iterator[AgentProcess]:
    """Executes the runs."""
    running = AgentProcess(service).start()
    yield running
    assert running.stop() == 0
    running.close()


def send(http: httpx.Client, path: str, type_: str, attributes: dict[str, Any], **related: tuple[str, str]) -> str:
    """The id of what is made so."""
    linked = {name: {"data": {"type": of, "id": each}} for name, (of, each) in related.items()}
    document = {"data": {"type": type_, "attributes": attributes, "relationships": linked}}
    answer = http.post(path, json=document, headers={"Content-Type": MEDIA_TYPE})
    assert answer.is_success, answer.text
    return str(answer.json()["data"]["id"])


@contextmanager
def answering(receiver: Receiver, status: str) -> Iterator[None]:
    """Answer what the run task is asked, in a thread."""
    over = threading.Event()

    def answer() -> None:
        answered = 0
        while not over.wait(0.1):
            for request in receiver.requests[answered:]:
                answered += 1
                asked = request.json
                if asked["stage"] == "test":
                    continue
                said = {"status": status, "message": "3 looked at", "url": "https://task.example.com/1"}
                headers = {"Authorization": f"Bearer {asked['access_token']}", "Content-Type": MEDIA_TYPE}
                document = {"data": {"type": "task-results", "attributes": said}}
                httpx.patch(asked["task_result_callback_url"], json=document, headers=headers, trust_env=False)

    thread = threading.Thread(target=answer)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(SECONDS)


@pytest.mark.usefixtures("agent")
def test_terraform_shows_what_a_run_task_says(
    service: Service, http: httpx.Client, terraform: Callable[..., Terraform], receiver: Receiver
) -> None:
    organization = f"organizations/{service.organization}"
    place = send(http, f"{organization}/workspaces", "workspaces", {"name": "asked", "execution-mode": "remote"})
    task = {"name": "costs", "category": "task", "url": receiver.url}
    task_id = send(http, f"{organization}/tasks", "tasks", task)
    link = {"enforcement-level": "mandatory", "stages": ["post_plan"]}
    send(http, f"workspaces/{place}/tasks", "workspace-tasks", link, task=("tasks", task_id))
    folder = terraform("asked").write(cloud(service.organization, 'name = "asked"'), output("o", '"hello"'))
    folder.run("init")
    with answering(receiver, "passed"):
        said = folder.run("apply", "-auto-approve")
    assert "1 passed, 0 failed" in said
    assert "hello" in said
    # A stage is first looked at after four seconds, so one of them is enough.
    assert [each.json["stage"] for each in receiver.requests] == ["test", "post_plan"]
    with answering(receiver, "failed"):
        refused = folder.refuse("plan")
    assert "the run failed because the run task, costs, is required to succeed" in refused
