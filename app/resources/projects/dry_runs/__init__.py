"""Dry runs: what a request would delete, move, copy or give away, and who would gain or lose access by it."""
