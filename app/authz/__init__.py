"""Authorization as tables: permissions, roles, grants and the policy. Runs no queries and knows no Flask."""
