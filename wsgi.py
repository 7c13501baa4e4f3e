"""The application for a WSGI server and for the ``flask`` command."""

from app.application import create_app
from app.start_faults import tell_in_one_sentence

tell_in_one_sentence()
app = create_app()
