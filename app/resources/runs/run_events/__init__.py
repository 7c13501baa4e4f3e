"""What happened to a run, in words for its reader."""
