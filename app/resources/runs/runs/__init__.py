"""Runs of workspaces: a plan, and perhaps an apply."""
