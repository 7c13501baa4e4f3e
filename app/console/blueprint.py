"""The blueprint of the console's pages. Its addresses are those of HCP Terraform's pages, which clients print."""

from typing import Final

from flask import Blueprint

blueprint: Final = Blueprint("console", __name__, url_prefix="/app", template_folder="templates")
