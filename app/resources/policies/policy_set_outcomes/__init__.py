"""What the policies of a set say about the plan of a run."""
