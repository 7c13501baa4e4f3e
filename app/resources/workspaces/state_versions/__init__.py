"""The state versions of the API, and their outputs."""
