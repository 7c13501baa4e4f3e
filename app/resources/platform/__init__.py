"""The service itself: health, discovery, its addresses."""
