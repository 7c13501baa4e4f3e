"""The organization-memberships of the API."""
