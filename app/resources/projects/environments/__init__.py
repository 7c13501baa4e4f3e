"""The environments of a project."""
