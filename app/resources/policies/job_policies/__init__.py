"""What the agent of a plan is told of policies, and what it tells of them."""
