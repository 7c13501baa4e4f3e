"""The access list of a workspace."""
