"""Icons of projects and avatars of workspaces."""
