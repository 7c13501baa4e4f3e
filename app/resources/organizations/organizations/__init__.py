"""Organizations: the top of everything. Each has its projects, workspaces, teams and settings."""
