"""The applies of runs."""
