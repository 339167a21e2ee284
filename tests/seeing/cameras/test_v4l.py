"""Listing cameras, against a fake kernel that answers as `linux/videodev2.h` says."""

from __future__ import annotations

import errno
import os
import struct
from pathlib import Path

import pytest

from installation.seeing.cameras import v4l
from installation.seeing.cameras.v4l import CameraListing, Mode, list_cameras

CAPTURE, METADATA, STREAMING, PER_NODE = 0x1, 0x00800000, 0x04000000, 0x80000000

MJPG_SIZES = {(1280, 720): [(1, 30), (1, 60)], (640, 480): [(1, 30)]}


class FakeKernel:
    """Answers for nodes in a temporary folder, each known by its inode."""

    def __init__(self) -> None:
        self.nodes: dict[int, tuple[bytes, int]] = {}
        self.stepwise = False

    def plug(self, node: Path, name: str, capabilities: int) -> None:
        node.touch()
        self.nodes[node.stat().st_ino] = name.encode(), capabilities

    def ioctl(self, file: int, call: int, buffer: bytearray) -> None:
        known = self.nodes.get(os.fstat(file).st_ino)
        if known is None:
            raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))
        name, capabilities = known
        index = struct.unpack_from("=I", buffer)[0]
        if call == v4l.QUERYCAP:
            assert len(buffer) == 104
            everything = CAPTURE | METADATA | STREAMING | PER_NODE
            struct.pack_into(
                "=16s32s32sIII", buffer, 0, b"uvc", name, b"usb", 0, everything, capabilities
            )
        elif call == v4l.ENUM_FMT and index == 0:
            assert len(buffer) == 64
            struct.pack_into("=4s", buffer, 44, b"MJPG")
        elif call == v4l.ENUM_FRAMESIZES:
            assert len(buffer) == 44
            self._size(index, buffer)
        elif call == v4l.ENUM_FRAMEINTERVALS:
            assert len(buffer) == 52
            _, fourcc, width, height = struct.unpack_from("=I4sII", buffer)
            assert fourcc == b"MJPG"
            rates = MJPG_SIZES[width, height]
            if index >= len(rates):
                raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
            struct.pack_into("=III", buffer, 16, 1, *rates[index])
        else:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))

    def _size(self, index: int, buffer: bytearray) -> None:
        if self.stepwise and index == 0:
            struct.pack_into("=7I", buffer, 8, 3, 160, 1280, 16, 120, 720, 16)
        elif not self.stepwise and index < len(MJPG_SIZES):
            struct.pack_into("=3I", buffer, 8, 1, *list(MJPG_SIZES)[index])
        else:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))


@pytest.fixture
def kernel() -> FakeKernel:
    """Return a kernel without cameras."""
    return FakeKernel()


def _listed(dev: Path, kernel: FakeKernel) -> list[CameraListing]:
    return list_cameras(dev, kernel.ioctl)


def test_a_camera_is_listed_with_its_stable_name_sizes_and_rates(
    tmp_path: Path, kernel: FakeKernel
) -> None:
    """What `kiosk cameras` prints comes from the camera itself."""
    kernel.plug(tmp_path / "video0", "Lens 3000", CAPTURE | STREAMING)
    by_id = tmp_path / "v4l" / "by-id" / "usb-Lens_3000-video-index0"
    by_id.parent.mkdir(parents=True)
    by_id.symlink_to("../../video0")
    (listing,) = _listed(tmp_path, kernel)
    assert listing == CameraListing(
        node=tmp_path / "video0",
        by_id=by_id,
        name="Lens 3000",
        modes=(Mode("MJPG", 1280, 720, (60.0, 30.0)), Mode("MJPG", 640, 480, (30.0,))),
    )
    assert listing.path == by_id


def test_nodes_that_capture_no_video_are_left_out(tmp_path: Path, kernel: FakeKernel) -> None:
    """A camera's second node, for metadata, is no camera."""
    kernel.plug(tmp_path / "video0", "Lens", CAPTURE | STREAMING)
    kernel.plug(tmp_path / "video1", "Lens", METADATA | STREAMING)
    assert [listing.node.name for listing in _listed(tmp_path, kernel)] == ["video0"]


def test_cameras_come_in_the_order_of_their_numbers(tmp_path: Path, kernel: FakeKernel) -> None:
    """The tenth camera does not come before the second."""
    for number in (10, 2, 0):
        kernel.plug(tmp_path / f"video{number}", f"Lens {number}", CAPTURE)
    (tmp_path / "videos").mkdir()
    assert [listing.name for listing in _listed(tmp_path, kernel)] == [
        "Lens 0",
        "Lens 2",
        "Lens 10",
    ]


def test_a_camera_of_any_size_is_listed_with_its_largest(
    tmp_path: Path, kernel: FakeKernel
) -> None:
    """Drivers that tell a range of sizes are listed too."""
    kernel.stepwise = True
    kernel.plug(tmp_path / "video0", "Lens", CAPTURE)
    assert _listed(tmp_path, kernel)[0].modes == (Mode("MJPG", 1280, 720, (60.0, 30.0)),)


def test_a_camera_that_does_not_answer_is_listed_with_its_trouble(
    tmp_path: Path, kernel: FakeKernel
) -> None:
    """A broken camera is not hidden, so that nobody looks for it in vain."""
    (tmp_path / "video0").touch()
    (listing,) = _listed(tmp_path, kernel)
    assert listing.trouble == os.strerror(errno.ENODEV)
    assert listing.modes == ()


def test_a_machine_without_cameras_has_an_empty_list(tmp_path: Path, kernel: FakeKernel) -> None:
    """No camera is no error."""
    assert _listed(tmp_path, kernel) == []
