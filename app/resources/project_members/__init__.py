"""The members of a project, with their roles."""
