"""From a bearer token to the caller: who it is, and everything that was granted."""
