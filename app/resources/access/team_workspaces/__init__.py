"""Access of teams to workspaces: a level, or a custom access with details."""
