"""Those who reach a project or a workspace, and those who would if it changed."""
