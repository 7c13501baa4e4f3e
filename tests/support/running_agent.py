"""An agent in a thread of the test."""

import os
import threading
from typing import Protocol

from app.agent.agent import Agent
from app.agent.client import Client
from app.agent.downloads import Downloads
from app.agent.jobs import Tools
from app.agent.main import open_sandbox, take_home
from app.agent.recovery import prepare, recover
from app.agent.settings import Settings
from app.agent.versions import Versions


class Running:
    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.sandbox = open_sandbox(settings)
        self.home, self.lock = take_home(settings.home)
        self.client = Client(settings.url, settings.token)
        versions = Versions(settings.tools, Downloads(settings.home / "tools", settings.releases), os.environ["PATH"])
        self.tools = Tools(settings, self.client, self.sandbox, versions, self.home)
        self.agent = Agent(settings, self.client, self.tools, "test")
        self.recover()
        self.thread = threading.Thread(target=self.agent.serve, daemon=True)
        self.thread.start()

    def recover(self) -> None:
        """Finish what an earlier agent has left, as the command does beside its jobs."""
        left = prepare(self.tools)
        recover(self.settings, self.client, self.tools, left, threading.Event())

    def end(self) -> None:
        self.agent.end()
        self.thread.join(20)
        assert not self.thread.is_alive()

    def close(self) -> None:
        self.end()
        self.agent.close()
        self.sandbox.close()
        self.client.close()
        os.close(self.lock)


class Start(Protocol):
    """Starts an agent with these settings; it is ended after the test."""

    def __call__(self, **changes: object) -> Running: ...
