"""The activity-events of the API."""
