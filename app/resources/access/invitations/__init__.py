"""Invitations to projects and workspaces, by e-mail or link, for people with and without an account."""
