"""Invitations to a project or a workspace."""
