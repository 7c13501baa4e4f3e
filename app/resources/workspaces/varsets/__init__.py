"""Sets of variables that apply to many workspaces or projects, or to a whole organization."""
