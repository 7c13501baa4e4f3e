"""What every request passes: caller, limits, headers, the one transaction, errors, documents."""
