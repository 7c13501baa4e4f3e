"""Configuration versions: the files that a workspace's runs are made from, as archives that clients upload."""
