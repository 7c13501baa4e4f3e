"""Pools of agents, and the projects and workspaces that may use them with the execution mode ``agent``."""
