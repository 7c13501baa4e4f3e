"""Run tasks of an organization, whose addresses are verified."""
