"""The record of what happened: who did what, when, and what changed."""
