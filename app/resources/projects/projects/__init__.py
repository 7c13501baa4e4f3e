"""Projects: containers of workspaces with settings, members and teams of their own."""
