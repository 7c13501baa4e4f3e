"""The reserved-tag-keys of the API."""
