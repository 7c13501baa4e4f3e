"""A load test of the service: a large organization, the requests that clients send most, both databases."""
