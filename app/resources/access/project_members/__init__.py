"""People with a role in a project, or in one environment or some cells of it."""
