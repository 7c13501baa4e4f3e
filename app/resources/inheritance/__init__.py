"""Settings that a resource inherits from the one above it unless it has its own."""
