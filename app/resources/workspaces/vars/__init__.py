"""The vars of the API: variables of workspaces and of variable sets."""
