"""The administration of users: site administrators list, suspend and delete accounts and revoke their tokens."""
