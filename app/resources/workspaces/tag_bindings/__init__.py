"""The tag bindings of workspaces; their schema and rules are those of projects."""
