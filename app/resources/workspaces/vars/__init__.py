"""Variables of workspaces: Terraform and environment variables; sensitive values are never shown."""
