"""SSH keys of an organization, with which terraform fetches modules that are private."""
