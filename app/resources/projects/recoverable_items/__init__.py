"""What was deleted and can be recovered for some days."""
