"""The agent scaler: a process that starts one Kubernetes Job, with one agent, for each job that waits in a pool.

It speaks HTTP to the service and to Kubernetes, and imports nothing of the service.
"""
