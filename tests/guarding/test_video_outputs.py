from __future__ import annotations

import os
from pathlib import Path

import pytest

from installation.guarding import stage_one
from installation.guarding.host import check_host
from installation.guarding.status import SandboxStatus
from installation.guarding.video_outputs import is_video_output
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
    assert is_video_output(node, tmp_path / "udev") is None, "udev has no notes"
    note(tmp_path / "udev", node, abilities)
    assert is_video_output(node, tmp_path / "udev") is is_output


@pytest.mark.parametrize(
    ("abilities", "good", "named"), [(":capture:", True, False), (":video_output:", True, True)]
)
def test_the_audit_names_a_device_that_takes_pictures(
    abilities: str, good: bool, named: bool, tmp_path: Path
) -> None:
    """Without udev's entries, the audit reports that outputs are unknown."""
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
    monkeypatch.setattr(v4l, "is_video_output", lambda node: node.name == "video0")
    assert v4l.video_nodes(tmp_path) == []


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
    assert [each.name for each in stage_one.allowed_devices(status, present)] == names
