"""The stages of runs in which policies and run tasks have a say."""
