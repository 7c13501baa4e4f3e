"""Explanations of the permissions that somebody has on a resource, and of their sources."""
