"""Parts of a project, such as staging and production. Each workspace is in one environment."""
