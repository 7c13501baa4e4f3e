"""Comments of people on runs."""
