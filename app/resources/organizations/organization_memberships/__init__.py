"""Memberships of users in organizations, and their teams."""
