"""The users of the API."""
