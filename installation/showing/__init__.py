"""What the visitor sees: scenes, painting, words, the window."""

import os

# The package prints a line on standard output, which belongs to the show's events.
os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
