"""The team-projects of the API."""
