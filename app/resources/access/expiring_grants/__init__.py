"""Grants that end by themselves: the rule for the time, and the removal of what has ended."""
