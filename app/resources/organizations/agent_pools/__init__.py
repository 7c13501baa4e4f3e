"""Pools of agents, and which projects and workspaces may use them with the execution mode ``agent``."""
