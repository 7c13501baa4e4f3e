"""The varsets of the API."""
