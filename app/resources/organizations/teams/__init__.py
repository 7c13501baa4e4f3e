"""The teams of the API."""
