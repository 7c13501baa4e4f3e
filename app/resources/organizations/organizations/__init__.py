"""The organizations of the API."""
