"""The longest lifetimes of tokens: of the organization, of its audit trail, and of its teams."""
