"""The tag-bindings of the API."""
