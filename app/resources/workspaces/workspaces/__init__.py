"""The workspaces of the API."""
