"""The page of an invitation, for a person with a browser."""

from typing import Final

from flask import Blueprint

TEMPLATES: Final = "templates"

blueprint = Blueprint("invitation_pages", __name__, template_folder=TEMPLATES)
