"""Gates that terraform passes while it works: a test learns that it is there, and may let it wait.

The sandbox leaves the network open, so a provisioner and a data source of the built-in provider can call the test.
"""

import json
import socketserver
import threading
from collections import Counter
from typing import Self

from tests.end_to_end.service import SECONDS_TO_ANSWER, poll_until

STATE = {"version": 4, "terraform_version": "1.11.4", "serial": 1, "lineage": "gate", "outputs": {}, "resources": []}


class Gates:
    """A server for terraform. ``passed`` counts who came by; a resource comes once each time that it is created."""

    def __init__(self) -> None:
        self.passed: Counter[str] = Counter()
        self._closed: set[str] = set()
        self._changed = threading.Condition()
        gates = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                line = self.rfile.readline().decode().split()
                if not line:
                    return
                name = line[1].strip("/") if line[0] == "GET" else line[0]
                gates._pass(name)
                content = json.dumps(STATE)
                head = f"HTTP/1.0 200 OK\r\nContent-Length: {len(content)}\r\n\r\n"
                try:
                    self.wfile.write((head + content if line[0] == "GET" else "go\n").encode())
                except OSError:
                    return

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def _pass(self, name: str) -> None:
        with self._changed:
            self.passed[name] += 1
            self._changed.notify_all()
            self._changed.wait_for(lambda: name not in self._closed, SECONDS_TO_ANSWER)

    def close(self, *names: str) -> Self:
        """Let whoever comes to these gates wait."""
        with self._changed:
            self._closed.update(names)
        return self

    def open(self) -> None:
        """Let everybody pass."""
        with self._changed:
            self._closed.clear()
            self._changed.notify_all()

    def wait_for(self, name: str, times: int = 1) -> None:
        """Wait until so many have come to the gate."""
        poll_until(lambda: self.passed[name] >= times, SECONDS_TO_ANSWER, f"{name} at its gate")

    def stop(self) -> None:
        """Open them and end the server."""
        self.open()
        self._server.shutdown()
        self._server.server_close()

    def configuration(self, *names: str, has_slow_plan: bool = False) -> str:
        """Resources, each after the one before, that pass the gates of these names when they are created."""
        text = ""
        if has_slow_plan:
            text += f"""
data "terraform_remote_state" "plan" {{
  backend = "http"
  config  = {{ address = "http://127.0.0.1:{self.port}/plan" }}
}}
"""
        before = ""
        for name in names:
            text += f"""
resource "terraform_data" "{name}" {{
  {before}
  provisioner "local-exec" {{
    interpreter = ["/bin/bash", "-c"]
    command     = "exec 3<>/dev/tcp/127.0.0.1/{self.port}; echo {name} >&3; read -r _ <&3; echo passed {name}"
  }}
}}
"""
            before = f"depends_on = [terraform_data.{name}]"
        return text
