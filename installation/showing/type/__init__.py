"""Typesetting: chooses fonts for letters, breaks lines, and sets paragraphs on panels."""
