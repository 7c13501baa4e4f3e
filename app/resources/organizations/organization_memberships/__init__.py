"""Who belongs to an organization, and in which teams."""
