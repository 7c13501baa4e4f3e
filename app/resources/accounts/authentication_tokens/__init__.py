"""The authentication-tokens of the API."""
