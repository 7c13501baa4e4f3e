"""Mail that the service sends: by background tasks, so that a failure never fails a request."""
