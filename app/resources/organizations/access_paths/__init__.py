"""Who reaches a project or a workspace, and who would if it changed."""
