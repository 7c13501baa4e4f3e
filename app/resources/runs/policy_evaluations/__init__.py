"""What policies say about the plans of runs."""
