"""Destroys what workspaces manage when their time has come."""
