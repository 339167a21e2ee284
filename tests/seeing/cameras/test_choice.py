"""Tests of the choice among several cameras: the first video node is often the wrong one."""

from __future__ import annotations

from pathlib import Path

import pytest

from installation.seeing.cameras.choice import passed_over, rank, reason_against
from installation.seeing.cameras.v4l import CameraListing, Mode


def listing(
    number: int,
    *formats: str,
    driver: str = "uvcvideo",
    bus: str = "usb-0000:00:14.0-2",
    raw_port: bool = False,
    problem: str | None = None,
    name: str = "Lens",
    interface: str = "",
    is_processor: bool = False,
    is_software: bool = False,
) -> CameraListing:
    """Return a camera with one size in each of `formats`."""
    modes = tuple(Mode(each, 640, 480, (30.0,)) for each in formats)
    node = Path(f"/dev/video{number}")
    return CameraListing(
        *(node, None, name, modes, problem, driver, bus, raw_port),
        interface=interface,
        is_processor=is_processor,
        is_software=is_software,
    )


WEBCAM = listing(4, "MJPG", "YUYV")

OTHERS = {
    "the raw port of a Raspberry Pi 5": (
        listing(0, "pRAA", "RGB3", driver="rp1-cfe", bus="platform:1f00110000.csi", raw_port=True),
        "the raw port of a sensor",
    ),
    "the sensor of an older driver": (
        listing(0, "pBAA", driver="unicam", bus="platform:3f801000.csi"),
        "none of its formats can be decoded (pBAA)",
    ),
    "the infrared camera of a laptop": (listing(0, "GREY"), "without colour"),
    "an infrared camera that calls its grey YUYV": (
        listing(0, "YUYV", name="Integrated IR Camera"),
        "its name says that it is an infrared camera",
    ),
    "the image processor of a Raspberry Pi 4": (
        listing(0, "YUYV", "RGB3", driver="bcm2835-isp", bus="platform:bcm2835-isp"),
        "processes the pictures of other devices",
    ),
    "a camera that measures depth": (listing(0, "Z16", "Y8I"), "without colour"),
    "a false camera": (
        listing(0, "YU12", driver="v4l2 loopback", bus="platform:v4l2loopback-000"),
        "(a virtual camera)",
    ),
    "an infrared camera whose name is cut off": (
        listing(0, "YUYV", name="Integrated Camera: Integrated I", interface="Integrated IR Cam"),
        "its name says that it is an infrared camera",
    ),
    "a processor of pictures whose driver nobody named": (
        listing(0, "YU12", driver="new-isp", bus="platform:fd100000.isp", is_processor=True),
        "processes the pictures of other devices",
    ),
    "a sensor of eight bits whose driver nobody named": (
        listing(0, "BA81", driver="new-csi", bus="platform:fd200000.csi"),
        "the raw port of a sensor",
    ),
    "a false camera whose driver nobody named": (
        listing(0, "YUYV", driver="newcam", bus="newcam:0", is_software=True),
        "(a virtual camera)",
    ),
    "a television card": (
        listing(0, "YUYV", driver="bttv", bus="PCI:0000:05:00.0"),
        "a USB camera is preferred",
    ),
    "a camera that does not answer": (listing(0, problem="No such device"), "No such device"),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_a_usb_camera_with_colour_is_taken_before(kind: str) -> None:
    """The USB camera with colour is chosen, and the log says why the lower number was not."""
    other, reason = OTHERS[kind]
    assert rank([other, WEBCAM])[0] == WEBCAM
    [line] = passed_over([other, WEBCAM])
    assert line.startswith(f"/dev/video0 ({other.name}) is not used: ")
    assert reason in line


@pytest.mark.parametrize(
    ("kind", "taken"),
    [
        (kind, any(word in kind for word in ("false", "television", "YUYV", "cut off")))
        for kind in OTHERS
    ],
)
def test_alone_it_is_taken_only_if_it_shows_people(kind: str, taken: bool) -> None:
    """A lone camera is used only if it shows people in colour; otherwise the rehearsal plays."""
    other, _ = OTHERS[kind]
    assert rank([other]) == ([other] if taken else [])
    assert (reason_against(other) is None) == taken


def test_of_two_good_cameras_the_lower_number_is_taken() -> None:
    """If two cameras are suitable, the lower number is chosen, and nothing is logged."""
    first = listing(2, "YUYV")
    assert rank([first, WEBCAM]) == [first, WEBCAM]
    assert passed_over([first, WEBCAM]) == []


def test_a_usb_camera_that_takes_pictures_too_is_a_camera() -> None:
    """A USB camera may be used even if it has only raw formats, or accepts pictures as well."""
    bare, both = listing(0, "GRBG"), listing(2, "YUYV", is_processor=True)
    assert rank([bare, both]) == [bare, both]


def test_a_driver_that_lists_no_formats_is_tried() -> None:
    """A camera whose driver lists no formats may be used."""
    assert rank([listing(0)]) == [listing(0)]
