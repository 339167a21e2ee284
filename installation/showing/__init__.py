"""What the visitor sees: scenes, painting, words, the window."""
