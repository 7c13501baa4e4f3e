"""Keys of tags that an organization reserves, and whether workspaces may override their values."""
