"""Deleting everything that a project holds, while the project itself stays."""
