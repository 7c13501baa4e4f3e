"""The project-members of the API."""
