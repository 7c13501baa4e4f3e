"""What is not a resource: ping and discovery."""
