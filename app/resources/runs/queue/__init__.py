"""The queue of runs of an organization, and its capacity."""
