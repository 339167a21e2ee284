"""What holds for every test: no window opens, and the same examples are drawn in each run."""

import os

from hypothesis import settings

os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
os.environ.setdefault("SDL_AUDIODRIVER", "dummy")

# Two slow cores: how long an example takes says nothing, and a failure must come back.
settings.register_profile("kiosk", deadline=None, derandomize=True, max_examples=100)
settings.load_profile("kiosk")
