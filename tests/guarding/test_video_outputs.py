from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from installation.guarding import stage_one
from installation.guarding.host import check_host
from installation.guarding.status import ENVIRONMENT_VARIABLE, SandboxStatus
from installation.guarding.video_outputs import (
    CAPABILITY,
    QUERYCAP,
    Ioctl,
    is_noted_as_output,
    is_video_output,
)
from installation.seeing.cameras import v4l

NOTES = {
    # udev's entries on Debian 12 for a USB camera, its metadata, and both devices of vivid.
    "camera": (":capture:", False),
    "metadata": (":", False),
    "receiver": (":capture:video_overlay:audio:tuner:", False),
    "output": (":video_output:audio:", True),
    "loopback": (":capture:video_output:", True),
}


def note(udev: Path, node: Path, abilities: str) -> None:
    """Write udev's entry for `node`, a file with the device number 0:0."""
    assert os.stat(node).st_rdev == 0
    udev.mkdir(parents=True, exist_ok=True)
    (udev / "c0:0").write_text(f"I:1\nE:ID_V4L_VERSION=2\nE:ID_V4L_CAPABILITIES={abilities}\n")


@pytest.mark.parametrize(("abilities", "is_output"), NOTES.values(), ids=NOTES)
def test_udev_says_whether_pictures_can_be_written(
    abilities: str, is_output: bool, tmp_path: Path
) -> None:
    """Only a device to which pictures can be written is an output."""
    node = tmp_path / "video0"
    node.touch()
    assert is_noted_as_output(node, tmp_path / "udev") is None, "udev has no notes"
    note(tmp_path / "udev", node, abilities)
    assert is_noted_as_output(node, tmp_path / "udev") is is_output
    assert is_video_output(node, tmp_path / "udev") is is_output, "the kernel does not answer"


PER_NODE, CAPTURE = 0x80000000, 0x1

ANSWERS = {
    # The driver, the capabilities of the whole device and those of the node, and what follows.
    "a USB camera": (b"uvcvideo", PER_NODE | 0x4A00001, 0x4200001, False),
    "its metadata": (b"uvcvideo", PER_NODE | 0x4A00001, 0x4A00000, False),
    "the output of vivid": (b"vivid", PER_NODE | 0x5210003, 0x5210002, True),
    "the camera of vivid": (b"vivid", PER_NODE | 0x5210003, 0x5210001, False),
    "an old driver": (b"old", 0x3, 0, True),
    "an output in planes": (b"imx", PER_NODE, 0x2000, True),
    "metadata for a chip": (b"isp", PER_NODE, 0x8000000, True),
    "a converter": (b"codec", PER_NODE, 0x8000, False),
    "a loopback that gives pictures now": (b"v4l2 loopback", PER_NODE, CAPTURE, True),
}


def kernel(driver: bytes, of_all_nodes: int, of_this_node: int) -> Ioctl:
    """Return the ioctl of a kernel with one video device."""

    def ioctl(file: int, call: int, buffer: bytearray) -> None:
        assert call == QUERYCAP
        CAPABILITY.pack_into(buffer, 0, driver, b"", b"", 0, of_all_nodes, of_this_node)

    return ioctl


@pytest.mark.parametrize(
    ("driver", "all_nodes", "this_node", "is_output"), ANSWERS.values(), ids=ANSWERS
)
def test_the_kernel_says_whether_pictures_can_be_written(
    driver: bytes, all_nodes: int, this_node: int, is_output: bool, tmp_path: Path
) -> None:
    """Without udev's notes, the capabilities of this node count, and those of no other."""
    node = tmp_path / "video0"
    node.touch()
    answers = kernel(driver, all_nodes, this_node)
    assert is_video_output(node, tmp_path / "udev", answers) is is_output
    assert is_video_output(tmp_path / "gone", tmp_path / "udev", answers) is None


@pytest.mark.parametrize(("abilities", "of_this_node"), [(":capture:", 2), (":video_output:", 1)])
def test_either_word_makes_a_device_an_output(
    abilities: str, of_this_node: int, tmp_path: Path
) -> None:
    """A device is an output if the kernel says so, or if udev does."""
    node = tmp_path / "video0"
    node.touch()
    note(tmp_path / "udev", node, abilities)
    assert is_video_output(node, tmp_path / "udev", kernel(b"", PER_NODE, of_this_node))


@pytest.mark.parametrize(
    ("abilities", "good", "named"), [(":capture:", True, False), (":video_output:", True, True)]
)
def test_the_audit_names_a_device_that_takes_pictures(
    abilities: str, good: bool, named: bool, tmp_path: Path
) -> None:
    """The audit names a device that takes pictures; without udev's entries it cannot know."""
    (tmp_path / "dev").mkdir()
    (tmp_path / "sys/module").mkdir(parents=True)
    (tmp_path / "dev/video7").touch()

    def check() -> tuple[bool | None, str]:
        [found] = [each for each in check_host(tmp_path) if each.name == "false cameras"]
        return found.good, found.found

    assert check()[0] is None
    note(tmp_path / "run/udev/data", tmp_path / "dev/video7", abilities)
    assert check()[0] is good
    assert ("video7" in check()[1]) is named


def test_an_output_is_no_camera(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A device to which pictures can be written is not among the possible cameras."""
    (tmp_path / "video0").touch()
    assert [node.name for node in v4l.video_nodes(tmp_path)] == ["video0"]
    with monkeypatch.context() as patch:
        patch.setattr(v4l, "is_noted_as_output", lambda node: node.name == "video0")
        assert v4l.video_nodes(tmp_path) == []
    status = SandboxStatus("enforce", video_outputs=(str(tmp_path / "video0"),))
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, status.to_json())
    assert v4l.video_nodes(tmp_path) == [], "the launcher has asked the kernel"


@pytest.mark.parametrize(
    ("status", "names"),
    [
        (SandboxStatus("enforce"), ["null", "video0"]),
        (SandboxStatus("degraded"), ["null", "video0", "video1"]),
        (SandboxStatus("enforce", may_open_cameras=False), ["null"]),
    ],
)
def test_the_show_may_not_open_an_output(
    status: SandboxStatus, names: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only a show that promises less may open an output, in case a curator needs one."""
    monkeypatch.setattr(stage_one, "is_video_output", lambda device: device.name == "video1")
    present = [Path("/dev", name) for name in ("null", "video0", "video1")]
    status = replace(status, video_outputs=stage_one._find_outputs(status, present))
    assert [each.name for each in stage_one.allowed_devices(status, present)] == names
    assert SandboxStatus.from_environment({ENVIRONMENT_VARIABLE: status.to_json()}) == status


def test_no_output_is_handed_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With `privacy: enforce`, no device to which pictures can be written is handed to the show.

    With `privacy: degraded` it is handed down.
    """
    nodes = [tmp_path / name for name in ("video0", "video1")]
    for node in nodes:
        node.touch()
    output = nodes[1].stat().st_ino
    monkeypatch.setattr(stage_one, "takes_pictures", lambda file: os.fstat(file).st_ino == output)
    handed_down = stage_one._open_cameras(SandboxStatus("enforce"), nodes)
    assert list(handed_down) == [str(nodes[0])]
    os.close(handed_down[str(nodes[0])])
    degraded = stage_one._open_cameras(SandboxStatus("degraded"), nodes)
    assert list(degraded) == [str(node) for node in nodes]
    for file in degraded.values():
        os.close(file)
