"""API tokens of users, organizations, teams and projects. The text of a token is shown once."""
