"""The source repositories that a project is linked to."""
