"""Access of teams to projects: a level, or a custom access with details."""
