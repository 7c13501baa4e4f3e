"""Workspaces: each is one set of infrastructure with its settings, lock and state."""
