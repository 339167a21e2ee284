"""Chooses the camera for `camera.source: auto`, and explains why other cameras were not chosen.

The camera with the lowest number is often unsuitable: the raw port of a sensor on a Raspberry Pi 5,
the infrared camera of a laptop, or a virtual camera that another program feeds.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from installation.seeing.cameras.v4l import CameraListing

COLOUR = frozenset(
    (
        *("MJPG", "JPEG", "YUYV", "UYVY", "YVYU", "NV12", "NV21", "YU12", "YV12", "411P"),
        *("RGB3", "BGR3", "XR24", "AR24", "BA81", "GBRG", "GRBG", "RGGB", "S910"),
    )
)
"""The pixel formats in colour that OpenCV decodes from Video4Linux, by their four-letter codes."""

GREY = frozenset(("GREY", "Y8", "Y8I", "Y10", "Y12", "Y16", "Z16", "INVZ", "L8", "IR8"))
"""The pixel formats without colour, which infrared cameras and depth cameras use."""


PROCESSORS = frozenset(("bcm2835-isp", "pispbe"))
"""The drivers of a Raspberry Pi's image processors, whose device nodes look like cameras. Usually
udev says that pictures can be written to such a node; this list is for a machine whose udev does
not say so.
"""

BAYER = frozenset(("BA81", "GBRG", "GRBG", "RGGB"))
"""The pixel formats of a sensor's raw data, from which a program would have to compute the colours
and the brightness of a picture.
"""

INFRARED = re.compile(r"\b(IR|infra-?red)\b", re.IGNORECASE)
"""Matches the name of an infrared camera. The name is needed because the infrared cameras of some
laptops send their grey pictures in a colour format, YUYV.
"""


def reason_against(listing: CameraListing) -> str | None:
    """Return why `auto` never uses this camera; None if it may use it."""
    if listing.problem is not None:
        return listing.problem
    formats = {mode.format for mode in listing.modes}
    is_usb = listing.bus.startswith("usb")
    if listing.driver in PROCESSORS or (listing.is_processor and not is_usb):
        return "this device processes the pictures of other devices and is not a camera"
    if listing.raw_port or (formats and formats <= BAYER and not is_usb):
        return (
            "this device is the raw port of a sensor, whose data no driver converts to pictures; "
            "use a USB camera"
        )
    if formats and formats <= GREY:
        return "it is an infrared or depth camera, without colour"
    if formats and not formats & (COLOUR | GREY):
        return f"none of its formats can be decoded ({', '.join(sorted(formats))})"
    return None


def rank(listings: Sequence[CameraListing]) -> list[CameraListing]:
    """Return the cameras that `auto` may use, the best first.

    USB cameras come first. Cameras whose names say that they are infrared, and virtual cameras,
    which other programs feed, come last. Cameras of the same kind are sorted by their numbers.
    """
    usable = [listing for listing in listings if reason_against(listing) is None]
    return sorted(usable, key=_preference)


def _is_infrared(listing: CameraListing) -> bool:
    return bool(INFRARED.search(listing.name) or INFRARED.search(listing.interface))


def _preference(listing: CameraListing) -> int:
    if listing.is_virtual:
        return 3
    if _is_infrared(listing):
        return 2
    return 0 if listing.bus.startswith("usb") else 1


def passed_over(listings: Sequence[CameraListing]) -> list[str]:
    """Return, for each camera with a lower number than the chosen one, why it is not used."""
    ranked = rank(listings)
    before = listings[: listings.index(ranked[0])] if ranked else []
    return [
        f"{listing.node} ({listing.name or 'no name'}) is not used: "
        f"{reason_against(listing) or _second_choice(listing)}"
        for listing in before
    ]


def _second_choice(listing: CameraListing) -> str:
    if listing.is_virtual:
        return "another program supplies its pictures (a virtual camera), so it would be used last"
    if _is_infrared(listing):
        return "its name says that it is an infrared camera"
    return "a USB camera is preferred"
