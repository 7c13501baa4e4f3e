"""JSON:API as this service speaks it: documents, errors, pages and query parameters. Knows no resource."""

MEDIA_TYPE = "application/vnd.api+json"
CONTENT_TYPE = f"{MEDIA_TYPE}; charset=utf-8"
