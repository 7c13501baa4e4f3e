"""How gunicorn serves Groundplan; every value an operator may want to change comes from the environment."""

import gc
import logging
import os
import re
import selectors
import socket
import threading
import time
from collections import deque
from functools import partial
from pathlib import Path
from typing import Any

import gunicorn.util
from flask import Flask
from gunicorn.glogging import Logger
from gunicorn.workers.gthread import ThreadWorker

from app.embedded import Embedded
from app.embedded_agents import EmbeddedAgents, why_none
from app.embedded_workers import EmbeddedWorkers
from app.persistence.watching import limits_of_requests
from app.resources.runs.agent_jobs.expiry import expire_forever
from app.services import services
from app.web.metrics import forget_process, forget_processes
from app.web.rate_limits import FLOODING, exchange_forever
from app.web.request_log import JSON, json_formatter
from app.web.server_errors import server_error
from app.web.slow_clients import AWAITED_BYTES, missing_of, shut_down_reading

host = os.environ.get("HOST") or "127.0.0.1"
port = os.environ.get("PORT") or "8080"
threads_wanted = int(os.environ.get("GROUNDPLAN_THREADS") or 4)

# Only this machine by default: the service speaks plain HTTP unless gunicorn is given a certificate.
bind = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

# Two for each core keep the cores busy while some wait for the database; more than four only by request, because
# every worker holds connections of its own.
workers = int(os.environ.get("WEB_CONCURRENCY") or min(4, 2 * (os.cpu_count() or 1)))

# The head of a request is short: a client that takes longer to send it is given up.
HEAD_SECONDS = 20

# How long a request with a long body waits for a thread, when others with long bodies have all but one.
PLACE_SECONDS = 20.0
# How long a stopping process waits for requests that are arriving.
STOPPING_SECONDS = 2.0

# For how long a client is left alone that goes on sending although its token is refused.
FLOOD_PAUSE_SECONDS = 1.0


class PunctualWorker(ThreadWorker):
    """Gunicorn's worker, whose threads wait for no client that has not sent its request yet.

    Gunicorn gives a new connection to a thread, which would wait for the head of a request without end. Here the main
    thread waits, for all of them at once, until the request is there: its head, and a body that is short. It only looks
    at what has arrived; a thread reads it. With TLS there is nothing to see, so there is a deadline for the head, too.
    """

    def __init__(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 - gunicorn has no types
        super().__init__(*args, **options)
        self.due: dict[Any, float] = {}
        self.flooding = threading.local()
        self.paused: list[tuple[float, Any, Any]] = []
        self.long: set[Any] = set()
        self.queued: deque[Any] = deque()

    def enqueue_req(self, conn: Any) -> None:  # noqa: ANN401
        """Give the connection to a thread if the request has arrived, else wait for it.

        Those with long bodies never have all threads: others find one that is free.
        """
        missing, is_long = (0, False) if self.cfg.is_ssl or conn.is_http2 else what_is_missing(conn)
        now = time.monotonic()
        if missing:
            if getattr(conn, "awaited_until", None) is None:
                conn.awaited_until = now + HEAD_SECONDS
            conn.timeout, conn.awaited = conn.awaited_until, missing
            # The poller wakes only when there is more than now.
            conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, missing)
            conn.sock.setblocking(False)  # noqa: FBT003 - the name of the method says it
            self.pending_conns.append(conn)
            self.poller.register(conn.sock, selectors.EVENT_READ, partial(self.on_pending_socket_readable, conn))
            return
        conn.awaited_until, conn.awaited = None, 0
        if is_long and len(self.long) >= self.cfg.threads - 1:
            conn.timeout = now + PLACE_SECONDS
            self.queued.append(conn)
            return
        if is_long:
            self.long.add(conn)
        super().enqueue_req(conn)

    def handle(self, conn: Any) -> Any:  # noqa: ANN401
        """Set the deadline for the head."""
        self.due[conn] = time.monotonic() + HEAD_SECONDS
        self.flooding.is_so = False
        try:
            return super().handle(conn)
        finally:
            self.due.pop(conn, None)
            conn.is_flooding = self.flooding.is_so

    def handle_request(self, req: Any, conn: Any) -> Any:  # noqa: ANN401
        """Remove the deadline, because the head has arrived."""
        self.due.pop(conn, None)
        return super().handle_request(req, conn)

    def finish_request(self, conn: Any, fs: Any) -> None:  # noqa: ANN401
        """Leave the connection alone for a while if its client floods the service: it costs no thread meanwhile."""
        if conn in self.long:
            self.long.remove(conn)
            if self.queued:
                self.enqueue_req(self.queued.popleft())
        if getattr(conn, "is_flooding", False) and self.alive:
            conn.is_flooding = False
            self.paused.append((time.monotonic() + FLOOD_PAUSE_SECONDS, conn, fs))
        else:
            super().finish_request(conn, fs)

    def murder_pending(self) -> None:
        """Also close connections that have missed their deadline; the main thread does this every second."""
        now = time.monotonic()
        for conn in list(self.pending_conns):
            if not self.alive:
                conn.timeout = min(conn.timeout, now + STOPPING_SECONDS)
            # They have different deadlines, so they don't stand in the order of time.
            if conn.timeout <= now:
                self.pending_conns.remove(conn)
                self.poller.unregister(conn.sock)
                self.nr_conns -= 1
                conn.close()
        while self.queued and self.queued[0].timeout <= now:
            conn = self.queued.popleft()
            self.nr_conns -= 1
            write_error(conn.sock, 503, "", "")
            conn.close()
        for conn, due in tuple(self.due.items()):
            if due <= now:
                shut_down_reading(conn.sock)
        paused, self.paused = self.paused, []
        for until, conn, fs in paused:
            if until <= now or not self.alive:
                super().finish_request(conn, fs)
            else:
                self.paused.append((until, conn, fs))


def what_is_missing(conn: Any) -> tuple[int, bool]:  # noqa: ANN401 - gunicorn has no types
    """How many bytes must have arrived before a thread may read the request, and whether its body is long.

    0 if they have arrived.
    """
    if conn.parser is not None and conn.parser.unreader.buf.getvalue():
        # It has read the beginning already.
        return 0, False
    conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 1)
    try:
        arrived = conn.sock.recv(AWAITED_BYTES, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return 1, False
    except OSError:
        return 0, False
    if len(arrived) < getattr(conn, "awaited", 0):
        # The poller woke all the same, because the client has closed the connection.
        return 0, False
    missing, is_long = missing_of(arrived)
    # A socket that is a file, where a proxy is, can't wait for a number of bytes.
    return (0 if conn.sock.family == socket.AF_UNIX else missing), is_long


def write_error(connection: socket.socket, status: int, _reason: str, _text: str) -> None:
    """Answer with a document where gunicorn would answer with a page, before the application is asked."""
    gunicorn.util.write_nonblock(connection, server_error(status))


# All workers call this function for such answers, and there is no setting for it.
gunicorn.util.write_error = write_error

# Threads, because without a buffering proxy, an open silent connection would block a whole worker: a handful of them
# would stop the service. Behind such a proxy GROUNDPLAN_THREADS=1 is a little faster.
worker_class = PunctualWorker if threads_wanted > 1 else "sync"
threads = threads_wanted

# How long an idle connection stays open for the next request, without a thread: longer than clients pause between two
# requests. Sync workers close the connection after each answer.
keepalive = 5

# No request takes seconds; a worker that does not respond for so long hangs and is replaced.
timeout = 30

# Gunicorn would trust any client on this machine about https. The application trusts proxies instead, as many as
# GROUNDPLAN_TRUSTED_PROXIES says.
forwarded_allow_ips = ""

# A client that is silent for so long in the middle of a request, or takes so long for a piece of its answer, is gone:
# a machine that sleeps or lost its network does not close its connections, and a thread would wait for it forever.
SILENT_SECONDS = 5 * 60

# How long running requests may take after the signal to stop; below the ten seconds that container runtimes wait before
# they kill.
graceful_timeout = 8

# Workers are replaced now and then, so that leaks of libraries never add up; the jitter prevents that all are replaced
# at once. Replacing one costs a fork.
max_requests = 20_000
max_requests_jitter = 2_000

# Import once, then fork: workers share the memory of the code and start at once. A new version needs a restart, a
# HUP signal does not load it.
preload_app = True

# The maximum that gunicorn allows, because a query string with many filters and ids is long. The body limit of the
# application does not cover it.
limit_request_line = 8190

# Workers touch a file to show that they are alive; on a stalled disk they would be killed.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - gunicorn makes a private file in it

# Errors are logged to stderr. The access log repeats that of a proxy and costs time for each request, so it is off by
# default.
errorlog = "-"
accesslog = "-" if os.environ.get("GROUNDPLAN_ACCESS_LOG") in {"1", "true", "yes"} else None
# The usual format, with the request's id at the end.
access_log_format = '%(h)s %(l)s %(u)s %(t)s "%(r)s" %(s)s %(b)s "%(f)s" "%(a)s" %({x-request-id}o)s'


class WithoutSecrets(logging.Filter):
    """Removes secrets from addresses.

    The secrets are the ticket of an upload or download, which allows anyone to use it, and the token of an invitation,
    which is any text in the position of an id that is not an id.
    """

    secret = re.compile(r"(/objects/+)[^\s\"'?]+|(/invitations/+)(?!inv-[0-9A-Za-z]+(?![^\s\"'?/]))[^\s\"'?/]+")

    def filter(self, record: logging.LogRecord) -> bool:
        """Accept every line."""
        record.msg, record.args = self.secret.sub(r"\1\2(hidden)", record.getMessage()), ()
        return True


class DiscreetLogger(Logger):
    """Gunicorn's logger without secrets, which would write whole addresses into both of its logs.

    It writes JSON where the application does.
    """

    def setup(self, cfg: Any) -> None:  # noqa: ANN401 - gunicorn has no types
        """Add the filter."""
        super().setup(cfg)
        for log in (self.error_log, self.access_log):
            log.addFilter(WithoutSecrets())
        if (os.environ.get("GROUNDPLAN_LOG_FORMAT") or "").lower() == JSON:
            for handler in self.error_log.handlers:
                handler.setFormatter(json_formatter())


logger_class = DiscreetLogger
loglevel = (os.environ.get("GROUNDPLAN_LOG_LEVEL") or "info").lower()

# Nothing uses gunicorn's control socket, which would be in the home folder of the user.
control_socket_disable = True


beside: list[Embedded] = []
# Workers come and go, so the time of their own start says nothing.
started_at = time.monotonic()


def on_starting(server: Any) -> None:  # noqa: ANN401 - gunicorn has no types
    """Forget what the processes of an earlier start have counted."""
    forget_processes(services(server.app.wsgi()).settings.home)


def child_exit(server: Any, worker: Any) -> None:  # noqa: ANN401
    """Forget the gauges of a worker process that has ended."""
    forget_process(services(server.app.wsgi()).settings.home, worker.pid)


def when_ready(server: Any) -> None:  # noqa: ANN401 - gunicorn has no types
    """Start what runs beside it, and exempt imported objects from garbage collection: workers share their pages."""
    settings = services(server.app.wsgi()).settings
    reason = why_none(settings, os.environ)
    if reason is not None:
        server.log.warning(reason)
    elif settings.agents:
        beside.append(EmbeddedAgents(settings, own_address(server, settings.url)))
    if settings.workers:
        beside.append(EmbeddedWorkers(settings))
    for each in beside:
        each.start()
    gc.collect()
    gc.freeze()
    # `groundplan serve` turns it off while it imports.
    gc.enable()


def own_address(server: Any, url: str | None) -> str:  # noqa: ANN401
    """Where agents on this host reach the service: at its socket, unless only its own name has a certificate."""
    name = server.LISTENERS[0].sock.getsockname()
    if url is not None and (server.cfg.is_ssl or not isinstance(name, tuple)):
        return url
    address = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(name[0], name[0])  # noqa: S104 - nothing is bound here
    address = f"[{address}]" if ":" in address else address
    return f"{'https' if server.cfg.is_ssl else 'http'}://{address}:{name[1]}"


def on_exit(_server: Any) -> None:  # noqa: ANN401
    """Ask the agents and workers to end."""
    for each in beside:
        each.ask_to_end()
    for each in beside:
        each.stop()


def post_fork(server: Any, _worker: Any) -> None:  # noqa: ANN401
    """Let each worker open its own connections: two processes on one would read each other's answers.

    The statements of requests have limits; a migration, which ran before, has none.
    """
    own = services(server.app.wsgi())
    own.engines.dispose(close=False)
    own.engines.watch.limits = limits_of_requests(own.settings.statement_seconds)


def post_worker_init(worker: Any) -> None:  # noqa: ANN401
    """Let each worker process end the jobs of silent agents, beside its requests.

    Any number of them may do it at once.
    """
    expiring = threading.Thread(target=expire_forever, args=(worker.wsgi, started_at), name="expiry", daemon=True)
    expiring.start()
    threading.Thread(target=exchange_forever, args=(worker.wsgi,), name="rates", daemon=True).start()


def post_request(worker: Any, _request: Any, environ: Any, _answer: Any) -> None:  # noqa: ANN401
    """Tell the worker of a client that goes on although it is refused."""
    if FLOODING in environ and isinstance(worker, PunctualWorker):
        worker.flooding.is_so = True


def pre_request(_worker: Any, request: Any) -> None:  # noqa: ANN401
    """Limit how long the connection may be silent, after the head of the request has arrived."""
    connection = getattr(getattr(request, "unreader", None), "sock", None)
    if connection is not None:
        connection.settimeout(SILENT_SECONDS)


def worker_exit(_server: Any, worker: Any) -> None:  # noqa: ANN401
    """Send the queued analytics events, within the time to stop."""
    # The arbiter also calls this for a worker that it had to kill: its own process has no application.
    app = getattr(worker, "wsgi", None)
    if not isinstance(app, Flask):
        return
    own = services(app)
    if own.analytics is not None:
        own.analytics.close(2.0)
