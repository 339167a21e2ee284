"""Scorers, which compute a score for each label from a network's output."""
