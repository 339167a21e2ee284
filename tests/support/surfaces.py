"""The formats of surfaces that displays have."""

from __future__ import annotations

MASKS = {
    "BGRX": (32, (0xFF0000, 0xFF00, 0xFF, 0)),
    "RGBX": (32, (0xFF, 0xFF00, 0xFF0000, 0)),
    "XRGB": (32, (0xFF00, 0xFF0000, 0xFF000000, 0)),
    "RGB": (24, (0xFF, 0xFF00, 0xFF0000, 0)),
    "BGR": (24, (0xFF0000, 0xFF00, 0xFF, 0)),
}
"""The depth and the masks of each format."""
