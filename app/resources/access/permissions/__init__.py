"""Explanations of what somebody may do."""
