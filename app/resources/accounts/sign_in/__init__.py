"""Pages to sign in with a password, and the OAuth addresses with which `terraform login` gets a token."""
