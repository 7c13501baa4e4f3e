"""A workspace by its full name: creating and updating it, its access list and its avatar."""
