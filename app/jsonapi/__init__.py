"""This service's dialect of JSON:API: documents, errors, pages and query parameters. Independent of any resource."""

from typing import Any

MEDIA_TYPE = "application/vnd.api+json"
CONTENT_TYPE = f"{MEDIA_TYPE}; charset=utf-8"

Json = Any
"""Any JSON value, such as a client may have sent."""
