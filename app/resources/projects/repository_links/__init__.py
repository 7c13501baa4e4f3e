"""The repositories that a project is linked to."""
