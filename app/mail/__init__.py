"""Mail that the service sends: after the commit, in the background, so that a failure never fails the request."""
