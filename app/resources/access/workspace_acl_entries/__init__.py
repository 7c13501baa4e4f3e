"""The workspace-acl-entries of the API."""
