"""Fetching networks and lists, which a venue does once at set-up."""
