"""Tags of projects: keys with values, which their workspaces inherit."""
