"""Workspaces: one set of infrastructure each, with its settings, lock and state."""
