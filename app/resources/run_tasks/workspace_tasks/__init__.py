"""The run tasks that the runs of a workspace ask, and in which stages."""
