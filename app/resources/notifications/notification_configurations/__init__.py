"""Notification configurations: destinations by webhook and mail, their verification, and the deliveries."""
