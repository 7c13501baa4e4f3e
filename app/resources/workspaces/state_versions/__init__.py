"""The states of workspaces: every version that was saved, its outputs and resources."""
