"""Decides which faces in the picture are classified, and from which time on."""
