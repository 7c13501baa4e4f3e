"""Assessments of the health of workspaces: drift and checks."""
