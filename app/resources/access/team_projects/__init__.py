"""What teams may do on projects: a level of access, or a custom one with details."""
