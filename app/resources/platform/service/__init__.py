"""Whether the service is there, and where its APIs are."""
