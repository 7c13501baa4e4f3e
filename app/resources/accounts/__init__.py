"""People and their tokens: users, authentication tokens, signing in."""
