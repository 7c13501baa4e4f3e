"""The plans of runs."""
