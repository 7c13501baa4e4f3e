"""Pools of agents: where runs of the execution mode agent would be taken up."""
