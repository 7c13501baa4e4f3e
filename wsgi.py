"""The application for a WSGI server and for the ``flask`` command."""

from app.application import create_app

app = create_app()
