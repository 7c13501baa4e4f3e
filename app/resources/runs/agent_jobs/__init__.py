"""The protocol of agents: taking jobs, and handing in what comes of them."""
