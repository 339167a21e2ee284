from __future__ import annotations

import errno
import os
import struct
from pathlib import Path

import pytest

from installation.guarding.video_outputs import QUERYCAP
from installation.seeing.cameras import v4l
from installation.seeing.cameras.v4l import CameraListing, Mode, list_cameras

CAPTURE, METADATA, STREAMING, PER_NODE = 0x1, 0x00800000, 0x04000000, 0x80000000

MJPG_SIZES = {(1280, 720): [(1, 30), (1, 60)], (640, 480): [(1, 30)]}


class FakeKernel:
    """Answers as `linux/videodev2.h` specifies, for nodes in a temporary folder, by their inode."""

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
        if call == QUERYCAP:
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
    """`kiosk cameras` prints what the camera itself reports."""
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
        driver="uvc",
        bus="usb",
    )
    assert listing.path == by_id


def test_nodes_that_capture_no_video_are_left_out(tmp_path: Path, kernel: FakeKernel) -> None:
    """A camera's second node, for metadata, is not a camera."""
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


def test_a_camera_with_a_range_of_sizes_is_listed_with_the_largest(
    tmp_path: Path, kernel: FakeKernel
) -> None:
    """If a driver reports a range of sizes, the largest size is listed."""
    kernel.stepwise = True
    kernel.plug(tmp_path / "video0", "Lens", CAPTURE)
    assert _listed(tmp_path, kernel)[0].modes == (Mode("MJPG", 1280, 720, (60.0, 30.0)),)


def test_a_camera_that_does_not_answer_is_listed_with_its_problem(
    tmp_path: Path, kernel: FakeKernel
) -> None:
    """A camera that fails is in the list, with the reason."""
    (tmp_path / "video0").touch()
    (listing,) = _listed(tmp_path, kernel)
    assert listing.problem == os.strerror(errno.ENODEV)
    assert listing.modes == ()


def test_a_machine_without_cameras_has_an_empty_list(tmp_path: Path, kernel: FakeKernel) -> None:
    """A machine without a camera is not an error."""
    assert _listed(tmp_path, kernel) == []


def test_nodes_are_listed_without_being_opened(tmp_path: Path) -> None:
    """Only names are read: video nodes in the order of their numbers, and nothing else."""
    for name in ("video10", "video2", "videoX", "audio1"):
        (tmp_path / name).touch(mode=0)
    assert [node.name for node in v4l.video_nodes(tmp_path)] == ["video2", "video10"]


def test_two_cameras_of_one_make_are_both_named_by_their_port(
    tmp_path: Path, kernel: FakeKernel
) -> None:
    """Two cameras of one make are identified by their ports.

    Udev makes one by-id name for both, which could name either camera after a restart.
    """
    links = {"by-id": {"usb-Lens": 2}, "by-path": {"pci-usb-1": 0, "pci-usb-2": 2}}
    for number in (0, 2):
        kernel.plug(tmp_path / f"video{number}", "Lens", CAPTURE)
    for kind, names in links.items():
        (tmp_path / "v4l" / kind).mkdir(parents=True)
        for name, number in names.items():
            (tmp_path / "v4l" / kind / name).symlink_to(f"../../video{number}")
    paths = [listing.path for listing in _listed(tmp_path, kernel)]
    assert paths == [tmp_path / "v4l/by-path" / name for name in ("pci-usb-1", "pci-usb-2")]


def test_a_port_that_needs_a_pipeline_is_recognised(tmp_path: Path, kernel: FakeKernel) -> None:
    """The ports of a Raspberry Pi 5's sensors are recognised by the Media Controller."""
    kernel.plug(tmp_path / "video0", "rp1-cfe", CAPTURE | STREAMING | 0x20000000)
    assert _listed(tmp_path, kernel)[0].raw_port


def test_a_camera_without_permission_is_listed_once_with_the_remedy(tmp_path: Path) -> None:
    """A camera without permission is listed once, with the remedy; its metadata node is not."""
    for number in (0, 1):
        about = tmp_path / "sys/class/video4linux" / f"video{number}"
        about.mkdir(parents=True)
        (about / "index").write_text(f"{number}\n")
        (about / "name").write_text("HD Webcam\n")
    (tmp_path / "dev").mkdir()
    refused = PermissionError(errno.EACCES, "Permission denied")
    first, second = (
        v4l._unopened(tmp_path / "dev" / f"video{number}", None, refused) for number in (0, 1)
    )
    assert second is None
    assert first is not None
    assert first.name == "HD Webcam"
    assert first.problem is not None
    assert "you are not in the group 'video': sudo usermod -aG video $USER" in first.problem


def test_the_kernels_description_tells_processors_and_software(
    tmp_path: Path, kernel: FakeKernel
) -> None:
    """A camera is a processor if its device has an output too; without hardware it is virtual."""
    devices = {
        "video0": "platform/isp.0",
        "video1": "platform/isp.0",
        "video2": "pci0/usb1/1-1:1.0",
        "video3": "virtual",
    }
    dev, classes = tmp_path / "dev", tmp_path / "sys/class/video4linux"
    classes.mkdir(parents=True)
    dev.mkdir()
    for name, device in devices.items():
        described = tmp_path / "sys/devices" / device / "video4linux" / name
        described.mkdir(parents=True)
        (classes / name).symlink_to(described)
        if device != "virtual":
            (described / "device").symlink_to(tmp_path / "sys/devices" / device)
        kernel.plug(dev / name, name, CAPTURE)
    (tmp_path / "sys/devices" / devices["video2"] / "interface").write_text("Integrated IR Cam\n")
    listings = list_cameras(dev, kernel.ioctl, lambda node: node.name == "video1")
    assert [
        (each.node.name, each.is_processor, each.is_virtual, each.interface) for each in listings
    ] == [
        ("video0", True, False, ""),
        ("video2", False, False, "Integrated IR Cam"),
        ("video3", False, True, ""),
    ]
