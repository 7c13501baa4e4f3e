"""The access list of a workspace: people with a level on this one workspace."""
