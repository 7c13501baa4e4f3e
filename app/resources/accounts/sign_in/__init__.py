"""Signing in with a password, and giving `terraform login` a token."""
