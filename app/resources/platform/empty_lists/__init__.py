"""Lists of HCP Terraform that clients read first, of what the service does not have: always empty."""
