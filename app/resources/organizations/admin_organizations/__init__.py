"""All organizations of the site, for its administrators."""
