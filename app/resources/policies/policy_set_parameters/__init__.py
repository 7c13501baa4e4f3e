"""Values that the policies of a set can read."""
