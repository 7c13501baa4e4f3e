"""The cloud providers that a project can name."""
