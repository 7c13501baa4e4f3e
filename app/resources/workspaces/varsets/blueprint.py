"""The blueprint that the routes of variable sets share."""

from flask import Blueprint

blueprint = Blueprint("varsets", __name__, url_prefix="/api/v2")
