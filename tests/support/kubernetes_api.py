"""A small API server of Kubernetes in the test's own process: it keeps Jobs, and records what it is asked.

At the same address it is what the scaler asks of the service.
"""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

NAMESPACE: Final = "runs"
PATH: Final = f"/apis/batch/v1/namespaces/{NAMESPACE}/jobs"
QUEUE: Final = "/api/agent/v1/queue"


class KubernetesApi:
    """Takes and lists Jobs of one namespace, some at a time; everything else is 403, as without a role for it."""

    def __init__(self, page: int = 2) -> None:
        self.jobs: dict[str, dict[str, Any]] = {}
        self.requests: list[tuple[str, str]] = []
        self.created: list[dict[str, Any]] = []
        # What waits in the pool, by the service.
        self.queue: list[str] = []
        self.is_broken = False
        self.page = page
        own = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.answer(*own.listed(self.path))

            def do_POST(self) -> None:
                self.answer(*own.made(self.path, json.loads(self.rfile.read(int(self.headers["Content-Length"])))))

            def do_DELETE(self) -> None:
                own.requests.append(("DELETE", self.path))
                self.answer(403, {})

            do_PATCH = do_PUT = do_DELETE  # noqa: N815 - the library's names

            def answer(self, status: int, document: dict[str, Any]) -> None:
                content = json.dumps(document).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def listed(self, path: str) -> tuple[int, dict[str, Any]]:
        if path == QUEUE:
            return 200, {"jobs": self.queue}
        self.requests.append(("GET", path))
        parts = urlsplit(path)
        if parts.path != PATH:
            return 403, {}
        if self.is_broken:
            return 500, {}
        query = parse_qs(parts.query)
        wanted = dict(each.split("=") for each in query["labelSelector"][0].split(","))
        found = [job for job in self.jobs.values() if wanted.items() <= job["metadata"]["labels"].items()]
        begin = int(query.get("continue", ["0"])[0])
        end = begin + self.page
        following = str(end) if end < len(found) else ""
        return 200, {"metadata": {"continue": following}, "items": found[begin:end]}

    def made(self, path: str, job: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        self.requests.append(("POST", path))
        if urlsplit(path).path != PATH:
            return 403, {}
        name = job["metadata"]["name"]
        if name in self.jobs:
            return 409, {"reason": "AlreadyExists"}
        self.jobs[name] = {
            **job,
            "metadata": {**job["metadata"], "creationTimestamp": "2026-01-01T00:00:00Z"},
            "status": {"active": 1},
        }
        self.created.append(job)
        return 201, self.jobs[name]

    def end(self, name: str, at: str, kind: str = "Complete") -> None:
        """Let the Job end at this moment."""
        self.jobs[name]["status"] = {"conditions": [{"type": kind, "status": "True", "lastTransitionTime": at}]}

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
