"""Lists the cameras of a Linux machine through Video4Linux.

OpenCV can open cameras but cannot list them; `v4l2-ctl` can list them but is seldom installed, and
linuxpy is under the GPL. The kernel's `linux/videodev2.h` defines the numbers and layouts of the
calls.
"""

from __future__ import annotations

import errno
import os
import struct
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from installation.guarding.status import SandboxStatus
from installation.guarding.video_outputs import (
    CAPABILITY,
    PER_NODE,
    QUERYCAP,
    Ioctl,
    ioctl_of_kernel,
    is_noted_as_output,
)

DEV = Path("/dev")

ENUM_FMT = 0xC0405602
ENUM_FRAMESIZES = 0xC02C564A
ENUM_FRAMEINTERVALS = 0xC034564B

_FORMAT = struct.Struct("=III32s4s16x")
_SIZE = struct.Struct("=I4sI24s8x")
_INTERVAL = struct.Struct("=I4sIII24s8x")

_CAPTURE = 0x1
_CAPTURE_PLANES = 0x1000
_MEDIA_CONTROLLER = 0x20000000
_DISCRETE = 1
_BUFFER_KINDS = ((_CAPTURE, 1), (_CAPTURE_PLANES, 9))

MAX_ENTRIES = 256
"""The largest number of formats, sizes or rates that are listed; some drivers never end their list.
"""


@dataclass(frozen=True)
class Mode:
    """A picture size that a camera offers in one pixel format, such as MJPG, with its rates."""

    format: str
    width: int
    height: int
    fps: tuple[float, ...]


@dataclass(frozen=True)
class CameraListing:
    """A camera: its node, its by-id path if it has one, its name, and its modes.

    `problem` says why the camera could not be queried. It then has no modes, and its name may be
    empty.
    """

    node: Path
    by_id: Path | None
    name: str
    modes: tuple[Mode, ...]
    problem: str | None = None
    driver: str = ""
    bus: str = ""
    """The port that the camera is plugged into, as the driver calls it: `usb-0000:00:14.0-2`."""
    raw_port: bool = False
    """Whether this is the raw port of a sensor; it gives pictures only after a program has
    configured the image processor.
    """
    by_path: Path | None = None
    has_same_name: bool = False
    """Whether another camera has the same name; if so, udev makes a by-id path for only one of
    them.
    """
    is_refused: bool = False
    """Whether the kernel did not allow this process to open the camera."""
    interface: str = ""
    """The full name of the camera's USB interface; the driver cuts `name` off after 31 letters."""
    is_processor: bool = False
    """Whether pictures can be written to another node of the same device. Such a device, if it is
    not a USB device, processes the pictures of other devices and is not a camera.
    """
    is_software: bool = False
    """Whether the kernel lists the camera as a virtual device, without hardware."""

    @property
    def path(self) -> Path:
        """The path that identifies this camera even after a restart; the node if there is none.

        This is the by-id path. If two cameras have the same name, it is the by-path path, which
        names the port.
        """
        lasting = (self.by_path, self.by_id) if self.has_same_name else (self.by_id, self.by_path)
        return next(filter(None, lasting), self.node)

    @property
    def is_virtual(self) -> bool:
        """Whether this is a virtual camera, which another program feeds with pictures."""
        return self.is_software or "loopback" in self.driver


def open_node(node: Path) -> int:
    """Return a descriptor of the camera at `node`. Raises OSError.

    Without Landlock, the sandbox lets this process open no file for writing. Then the result is a
    copy of the descriptor that the launcher opened.
    """
    status = SandboxStatus.from_environment()
    handed_down = None if status is None else status.cameras.get(str(node.resolve()))
    if handed_down is not None:
        return os.dup(handed_down)
    return os.open(node, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)


def is_closed_output(node: Path) -> bool:
    """Return whether pictures can be written to the video device `node`.

    With `privacy: enforce` the show may not open such a device. The show's launcher asks the kernel
    about each device that exists at the start. Only udev's information is used in three cases: if
    the device was plugged in later, if `privacy` is `degraded`, and in commands other than
    `kiosk run`.
    """
    status = SandboxStatus.from_environment()
    asked = () if status is None else status.video_outputs
    return str(node.resolve()) in asked or bool(is_noted_as_output(node))


def list_cameras(
    dev: Path = DEV,
    ioctl: Ioctl = ioctl_of_kernel,
    is_output: Callable[[Path], bool | None] = is_closed_output,
) -> list[CameraListing]:
    """Return the cameras sorted by number; nodes that do not capture video are left out.

    A node that cannot be opened is listed with its problem, because it may be a camera. `is_output`
    returns whether pictures can be written to a node.
    """
    by_id, by_path = (_links(dev / "v4l" / name) for name in ("by-id", "by-path"))
    queried = (
        (query(node, by_id.get(node.resolve()), ioctl), by_path.get(node.resolve()))
        for node in video_nodes(dev, is_output)
    )
    listings = [
        _with_facts(replace(listing, by_path=path), is_output)
        for listing, path in queried
        if listing is not None
    ]
    names = Counter(listing.name for listing in listings if listing.problem is None)
    return [replace(listing, has_same_name=names[listing.name] > 1) for listing in listings]


def _about(node: Path) -> Path:
    """Return the folder in which the kernel describes `node`; reading it needs no permission."""
    return node.parent.parent / "sys" / "class" / "video4linux" / node.name


def _with_facts(listing: CameraListing, is_output: Callable[[Path], bool | None]) -> CameraListing:
    """Return `listing` with the facts about its device that the kernel lists under /sys."""
    about = _about(listing.node)
    if not about.exists():
        return listing
    device = about / "device"
    others = [other for other in about.parent.glob("video*") if other.name != about.name]
    return replace(
        listing,
        interface=_first_line(device / "interface"),
        is_software="virtual" in about.resolve().parts,
        is_processor=device.exists()
        and any(
            is_output(listing.node.with_name(other.name))
            for other in others
            if (other / "device").resolve() == device.resolve()
        ),
    )


def _links(folder: Path) -> dict[Path, Path]:
    """Return the first link in `folder` to each device, keyed by device."""
    links: dict[Path, Path] = {}
    for link in sorted(folder.glob("*")):
        links.setdefault(link.resolve(), link)
    return links


def video_nodes(
    dev: Path = DEV, is_output: Callable[[Path], bool | None] = is_closed_output
) -> list[Path]:
    """Return the device nodes that may be cameras, sorted by number; they are not opened.

    Devices to which pictures can be written are left out, because with `privacy: enforce` the show
    may not open them.
    """
    named = [node for node in dev.glob("video*") if node.name[len("video") :].isdecimal()]
    cameras = [node for node in named if not is_output(node)]
    return sorted(cameras, key=lambda node: int(node.name[len("video") :]))


def query(
    node: Path, by_id: Path | None = None, ioctl: Ioctl = ioctl_of_kernel
) -> CameraListing | None:
    """Return the name and modes of the camera at `node`; None if it does not capture video."""
    try:
        file = open_node(node)
    except OSError as error:
        return _unopened(node, by_id, error)
    try:
        buffer = bytearray(CAPABILITY.size)
        ioctl(file, QUERYCAP, buffer)
        driver, card, bus, _, of_all_nodes, of_this_node = CAPABILITY.unpack(buffer)
        capabilities = of_this_node if of_all_nodes & PER_NODE else of_all_nodes
        for capability, kind in _BUFFER_KINDS:
            if capabilities & capability:
                return CameraListing(
                    node,
                    by_id,
                    _text(card),
                    tuple(_modes(file, kind, ioctl)),
                    driver=_text(driver),
                    bus=_text(bus),
                    raw_port=bool(capabilities & _MEDIA_CONTROLLER),
                )
    except OSError as error:
        if error.errno != errno.ENOTTY:  # ENOTTY: a device of another kind lacks this call.
            return CameraListing(node, by_id, "", (), _reason(error))
    finally:
        os.close(file)
    return None


def _unopened(node: Path, by_id: Path | None, error: OSError) -> CameraListing | None:
    """Return a listing for `node`, which cannot be opened; None if it is not a node for pictures.

    The listing has the camera's name, and says why the node cannot be opened. A webcam has a second
    node, for metadata. The node of the pictures has the index 0, the second node another index.
    Name and index can be read from the kernel without permission to open the node.
    """
    about = _about(node)
    if _first_line(about / "index") not in ("", "0"):
        return None
    problem = _no_permission(node) if error.errno == errno.EACCES else _reason(error)
    is_refused = error.errno == errno.EACCES
    return CameraListing(
        node, by_id, _first_line(about / "name"), (), problem, is_refused=is_refused
    )


def _first_line(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def _no_permission(node: Path) -> str:
    """Return a sentence saying that this user may not open `node`, with the remedy."""
    try:
        group = node.group()
    except (OSError, KeyError):
        group = "video"
    add = f"sudo usermod -aG {group} $USER"
    return f"you are not in the group '{group}': {add}, then log in again"


def _reason(error: OSError) -> str:
    return error.strerror or type(error).__name__


def _modes(file: int, kind: int, ioctl: Ioctl) -> Iterator[Mode]:
    for fields in _entries(
        file, ENUM_FMT, _FORMAT, lambda i: _FORMAT.pack(i, kind, 0, b"", b""), ioctl
    ):
        fourcc: bytes = fields[4]
        for width, height in _sizes(file, fourcc, ioctl):
            rates = tuple(sorted(set(_rates(file, fourcc, width, height, ioctl)), reverse=True))
            yield Mode(fourcc.decode("latin-1").strip(), width, height, rates)


def _sizes(file: int, fourcc: bytes, ioctl: Ioctl) -> Iterator[tuple[int, int]]:
    for _, _, kind, union in _entries(
        file, ENUM_FRAMESIZES, _SIZE, lambda i: _SIZE.pack(i, fourcc, 0, b""), ioctl
    ):
        if kind != _DISCRETE:
            _, max_width, _, _, max_height, _ = struct.unpack("=6I", union)
            yield max_width, max_height
            return
        yield struct.unpack_from("=2I", union)


def _rates(file: int, fourcc: bytes, width: int, height: int, ioctl: Ioctl) -> Iterator[float]:
    for _, _, _, _, kind, union in _entries(
        file,
        ENUM_FRAMEINTERVALS,
        _INTERVAL,
        lambda i: _INTERVAL.pack(i, fourcc, width, height, 0, b""),
        ioctl,
    ):
        # A range begins with its shortest interval, which is the highest rate.
        numerator, denominator = struct.unpack_from("=2I", union)
        if numerator:
            yield denominator / numerator
        if kind != _DISCRETE:
            return


def _entries(
    file: int,
    call: int,
    layout: struct.Struct,
    request: Callable[[int], bytes],
    ioctl: Ioctl,
) -> Iterator[tuple[Any, ...]]:
    """Yield the answers to `request(0)`, `request(1)`, … until the driver rejects a request.

    Each request is made by the ioctl `call` on `file`; `layout` unpacks its answer.
    """
    for index in range(MAX_ENTRIES):
        buffer = bytearray(request(index))
        try:
            ioctl(file, call, buffer)
        except OSError:
            return
        yield layout.unpack(buffer)


def _text(raw: bytes) -> str:
    return raw.split(b"\0", 1)[0].decode("utf-8", "replace").strip()
