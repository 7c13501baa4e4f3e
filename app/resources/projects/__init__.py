"""Projects and what is in them beside workspaces: environments, images, tags, repository links, wipes."""
