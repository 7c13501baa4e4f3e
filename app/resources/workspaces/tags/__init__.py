"""Plain tags: keys without values, of one workspace or of all workspaces of an organization."""
