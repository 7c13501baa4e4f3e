"""Mail that the service sends: after the commit, beside the request, and never instead of it."""
