"""The agent: a process of its own that runs Terraform for the service and speaks to it over HTTP alone.

It imports nothing else of ``app``, so that it stays small and can stand on another machine.
"""
