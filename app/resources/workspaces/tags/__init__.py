"""The tags of the API: the plain ones, without values."""
