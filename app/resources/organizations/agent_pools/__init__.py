"""Agent pools: which agents would take up the runs of the execution mode ``agent``."""
