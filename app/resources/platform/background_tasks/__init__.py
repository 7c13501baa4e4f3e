"""Background tasks, for administrators of the site: what waits, what was given up, and having it tried again."""
