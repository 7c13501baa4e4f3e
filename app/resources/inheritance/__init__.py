"""Settings that a resource takes from the one above it unless it has its own."""
