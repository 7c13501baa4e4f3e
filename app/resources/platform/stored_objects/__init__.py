"""The sweep of stored objects, done by a worker."""
