"""Run triggers: an apply of one workspace starts a run of another."""
