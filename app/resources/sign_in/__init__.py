"""Signing in with a password, and what `terraform login` gets its token by."""
