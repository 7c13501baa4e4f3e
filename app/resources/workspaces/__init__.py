"""Workspaces and what is in them: variables, variable sets, states, tags."""
