"""The cloud providers of the API."""
