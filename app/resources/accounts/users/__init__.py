"""People with an account: your own account, others in your organizations, and site roles."""
