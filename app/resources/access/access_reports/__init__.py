"""Reports of access: who reaches a project or a workspace, and what somebody reaches."""
