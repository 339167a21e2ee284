"""A mirror for galleries; it labels visitors with an image classifier's categories."""

import os
import sys
import time
from types import ModuleType
from typing import cast

__version__ = "0.5.0"

STARTED_AT = time.monotonic()
"""The instant at which this module was imported, in seconds of the monotonic clock. It stands for
the start of the process, because no other module of the kiosk is imported earlier.
"""

# Python was started without the code of its environment (`installation.isolated`), and so without
# the folder of its packages.
if sys.flags.no_site:
    from installation.isolated import add_packages

    add_packages()

# Triton and Mesa's OpenGL, which the window may use, contain different versions of LLVM; a process
# that loads both crashes (seen with triton 3.9 and Mesa 22.3). Only torch.compile needs Triton.
sys.modules.setdefault("triton", cast("ModuleType", None))

# pydantic searches every installed package for plugins, which takes 15 ms of the time until the
# first paint; the kiosk uses none, and other packages' plugins must not change how it validates
# settings.
os.environ["PYDANTIC_DISABLE_PLUGINS"] = "__all__"

# onnxruntime sends usage data to its maker as soon as it is imported (seen with 1.31, whose
# Privacy.md says so), and huggingface_hub sends statistics.
os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
