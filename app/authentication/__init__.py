"""Turns a bearer token into the caller with everything that was granted to them."""
