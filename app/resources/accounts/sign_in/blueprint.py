"""Signing in, and `terraform login`: pages for people, and OAuth's token endpoint."""

from typing import Final

from flask import Blueprint

TEMPLATES: Final = "templates"

blueprint = Blueprint("sign_in", __name__, template_folder=TEMPLATES)
