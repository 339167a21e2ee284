"""Naming visitors: label sets, networks, scorers, readings and verdicts."""
