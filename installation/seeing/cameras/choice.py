"""Which camera `camera.source: auto` takes, and why it passes others over.

The lowest number is often another thing: the raw port of a sensor on a Raspberry Pi 5, the infrared
camera of a laptop, a false camera of another program.
"""

from __future__ import annotations

from collections.abc import Sequence

from installation.seeing.cameras.v4l import CameraListing

COLOUR = frozenset(
    (
        *("MJPG", "JPEG", "YUYV", "UYVY", "YVYU", "NV12", "NV21", "YU12", "YV12", "411P"),
        *("RGB3", "BGR3", "XR24", "AR24", "BA81", "GBRG", "GRBG", "RGGB", "S910"),
    )
)
"""The formats with colour that OpenCV decodes from Video4Linux, by their four letters."""

GREY = frozenset(("GREY", "Y8", "Y8I", "Y10", "Y12", "Y16", "Z16", "INVZ", "L8", "IR8"))
"""Formats without colour: infrared cameras, and cameras that measure depth."""


def reason_against(listing: CameraListing) -> str | None:
    """Return why `auto` never takes this camera; None if it may."""
    if listing.problem is not None:
        return listing.problem
    formats = {mode.format for mode in listing.modes}
    if listing.raw_port:
        return "the port of a sensor without a driver that makes pictures; use a USB camera"
    if formats and formats <= GREY:
        return "it has no colour: an infrared or depth camera"
    if formats and not formats & (COLOUR | GREY):
        return f"none of its formats can be decoded ({', '.join(sorted(formats))})"
    return None


def rank(listings: Sequence[CameraListing]) -> list[CameraListing]:
    """Return the cameras that `auto` may take, the best first.

    A USB camera comes before one of another bus, and a false one, which another program feeds,
    comes last; otherwise the lower number decides.
    """
    usable = [listing for listing in listings if reason_against(listing) is None]
    return sorted(usable, key=_place)


def _place(listing: CameraListing) -> int:
    if listing.is_false:
        return 2
    return 0 if listing.bus.startswith("usb") else 1


def passed_over(listings: Sequence[CameraListing]) -> list[str]:
    """Return a line for each camera with a lower number than the chosen one: why it is not that."""
    ranked = rank(listings)
    before = listings[: listings.index(ranked[0])] if ranked else []
    return [
        f"{listing.node} ({listing.name or 'no name'}) was passed over: "
        f"{reason_against(listing) or _second_choice(listing)}"
        for listing in before
    ]


def _second_choice(listing: CameraListing) -> str:
    return "another program feeds it" if listing.is_false else "a USB camera is there"
