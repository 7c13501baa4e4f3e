"""What teams may do on workspaces: a level of access, or a custom one with details."""
