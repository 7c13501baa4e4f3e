"""Wiping projects."""
