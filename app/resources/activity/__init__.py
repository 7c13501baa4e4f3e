"""What happened: activity events and the audit trail."""
