"""JSON:API as this service speaks it: documents, errors, pages and query parameters. Knows no resource."""

from typing import Any

MEDIA_TYPE = "application/vnd.api+json"
CONTENT_TYPE = f"{MEDIA_TYPE}; charset=utf-8"

Json = Any
"""Any JSON value, such as a client may have sent."""
