"""A folder of pictures, which a show plays as a camera: a visitor comes every ten seconds."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from tests.support.drawn_film import portrait
from tests.support.pictures import write_picture

FOLDER = "visits"

SETTINGS = f"""\
camera: {{source: {FOLDER}, width: 640, height: 360}}
reading: {{announce_s: 1, acknowledged: "This is a test, and nobody stands there."}}
"""
"""The lines of kiosk.yaml with which a show plays the folder and names visitors in five seconds."""


def write_visits(project: Path) -> None:
    """Write the folder into `project`: somebody stands there for five seconds, then nobody."""
    folder = project / FOLDER
    folder.mkdir()
    wall = np.full((360, 640, 3), 150, np.uint8)
    visitor = wall.copy()
    visitor[40:360, 160:480] = cv2.resize(portrait(), (320, 320))
    write_picture(folder / "1.png", visitor)
    write_picture(folder / "2.png", wall)
