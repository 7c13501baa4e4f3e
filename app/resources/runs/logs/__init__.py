"""The logs of plans and applies."""
