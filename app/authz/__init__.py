"""Who may do what, as tables: permissions, roles, grants and the policy. No queries of its own, no Flask."""
