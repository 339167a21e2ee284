"""Scorers: from what a network gives to a score for each label."""
