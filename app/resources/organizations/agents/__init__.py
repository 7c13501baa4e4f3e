"""The agents of pools, and the calls by which an agent registers and says that it is alive."""
