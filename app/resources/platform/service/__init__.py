"""Health of the service, and discovery of its APIs."""
