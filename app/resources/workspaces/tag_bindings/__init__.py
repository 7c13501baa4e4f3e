"""Tags of workspaces: their own keys with values, and those that they inherit from the project."""
