"""Explanations of what somebody may do on a resource, and why."""
