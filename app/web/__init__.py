"""The layer that every request passes: caller, limits, headers, transaction, errors, documents."""
