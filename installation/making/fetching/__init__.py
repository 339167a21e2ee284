"""Fetches networks and lists. A venue does this once, when it sets up the kiosk."""
