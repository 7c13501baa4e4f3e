"""The worker: a process that does background tasks. Any number of them, on any hosts, may share one database."""
