"""Numbers about the service for Prometheus, for whoever has the token of the metrics."""
