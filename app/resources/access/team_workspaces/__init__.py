"""The team-workspaces of the API."""
