"""What the fork server has imported before it forks: the service, and what its commands run in."""

import gc

import flask.cli
import gunicorn.app.wsgiapp
import gunicorn.workers.gthread

import app.application
import app.embedded_agents
import app.embedded_workers
import app.resources.runs.agent_jobs.expiry
import app.start_faults

__all__ = ["app", "flask", "gunicorn"]

# The forks share it, and don't look through it for garbage.
gc.collect()
gc.freeze()
