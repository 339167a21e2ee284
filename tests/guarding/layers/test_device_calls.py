"""The sets of ioctls: what each kind of device needs, and what no show may request."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from installation.guarding.layers.bpf import REFUSED_ERRNO, Filter
from installation.guarding.layers.device_calls import (
    CAMERA_IOCTLS,
    CONSOLE_IOCTLS,
    GRAPHICS_IOCTLS,
    NVIDIA_CALLS,
    UVM_CALLS,
)
from installation.guarding.layers.seccomp import sets_the_screen, stage_two
from installation.guarding.layers.show_calls import show_calls
from tests.support.bpf import answer
from tests.support.children import USERS, needs_guard, run

REFUSED = 1
"""The error of calls without a row, in the filters of these tests."""

SEALED = """
import sys
from installation.guarding.stage_one import enter_stage_one
from installation.guarding.guard import Guard
from installation.guarding.layers.device_calls import CAMERA_IOCTLS
from installation.guarding.status import SandboxStatus
from installation.guarding.video_outputs import ioctl_of_kernel
guard = Guard(enter_stage_one(SandboxStatus("enforce"), None))
file = open("/dev/null")
assert guard.seal().holds
errors = []
for number in (*CAMERA_IOCTLS.values(), int(sys.argv[1])):
    try:
        ioctl_of_kernel(file.fileno(), number, bytearray(256))
    except OSError as error:
        errors.append(error.errno)
print(*errors)
"""
"""Makes each ioctl of cameras, and one more, on a file that knows none of them."""

VIDIOC_LOG_STATUS = 0x5646

NEVER = {
    "DRM_IOCTL_AUTH_MAGIC": 0x40046411,
    "DRM_IOCTL_GEM_FLINK": 0xC008640A,  # a name by which every client may open the memory
    "DRM_IOCTL_MODE_CREATEPROPBLOB": 0xC01064BD,
    "DRM_IOCTL_MODE_GETFB2": 0xC06864CE,  # another program's picture
    "DRM_IOCTL_MODE_CREATE_LEASE": 0xC01864C6,
    "NV_ESC_RM_SHARE": 0xC01C4635,
    "NV_ESC_EXPORT_OBJECT_TO_FD": 0xC008465C,
    "NV_ESC_IOCTL_XFER_CMD": 0xC01046D3,
    "NV_ESC_EXPORT_TO_DMABUF_FD": 0xC00046D9,
    "NV_ESC_RM_ACCESS_REGISTRY": 0xC048464D,
    "UVM_TOOLS_READ_PROCESS_MEMORY": 62,
    "UVM_TOOLS_WRITE_PROCESS_MEMORY": 63,
    "FIBMAP": 1,
}


@needs_guard
def test_a_camera_can_be_used_and_set_behind_the_seal(tmp_path: Path) -> None:
    """The kernel's filters pass each ioctl of cameras on to the file, also those of controls.

    A camera that was unplugged is opened, and its controls are set, while the show runs.
    """
    arguments = "-c", SEALED, str(VIDIOC_LOG_STATUS)
    outcome = run(*arguments, user=USERS[0], folder=tmp_path)
    assert {"VIDIOC_QUERYCTRL", "VIDIOC_QUERYMENU", "VIDIOC_S_CTRL"} <= CAMERA_IOCTLS.keys()
    expected = [errno.ENOTTY] * len(CAMERA_IOCTLS) + [REFUSED_ERRNO]
    assert outcome.stdout.split() == [str(error) for error in expected]


def allows(number: int, *, has_gpu: bool, has_nvidia: bool = False, on_console: bool) -> bool:
    """Return whether a show on such a machine may make the ioctl `number`."""
    rows = show_calls(has_gpu=has_gpu, has_nvidia=has_nvidia, on_console=on_console)
    stage_two = Filter(tuple(rows), otherwise=REFUSED)
    answers = {answer([stage_two], machine, "ioctl", 3, number) for machine in (0, 1)}
    assert answers in ({None}, {REFUSED})
    return answers == {None}


@pytest.mark.parametrize("name", NEVER)
def test_what_gives_memory_to_others_is_never_allowed(name: str) -> None:
    """Calls that give a card's memory to other programs are refused, whatever the devices are."""
    assert not allows(NEVER[name], has_gpu=True, has_nvidia=True, on_console=True)


@pytest.mark.parametrize("number", GRAPHICS_IOCTLS.values())
def test_a_graphics_card_draws_in_a_window(number: int) -> None:
    """The calls for drawing in a window are allowed only if the machine has a graphics card."""
    assert allows(number, has_gpu=True, on_console=False)
    assert not allows(number, has_gpu=False, on_console=True)


@pytest.mark.parametrize(
    ("call", "older_bytes", "newer_bytes"),
    [(0xC1, 16, 24), (0xC2, 16, 24), (0xC3, 32, 40), (0xCA, 40, 48)],
)
def test_calls_that_have_grown_are_allowed_in_both_sizes(
    call: int, older_bytes: int, newer_bytes: int
) -> None:
    """Calls whose arguments have grown are allowed by both numbers, for old and new libraries."""
    for size in (older_bytes, newer_bytes):
        assert allows(0xC0006400 | size << 16 | call, has_gpu=True, on_console=False)


@pytest.mark.parametrize("number", CONSOLE_IOCTLS.values())
def test_only_a_console_sets_the_screen(number: int) -> None:
    """The show in the window of a display server cannot change what the screen shows."""
    assert allows(number, has_gpu=True, on_console=True)
    assert not allows(number, has_gpu=True, on_console=False)


@pytest.mark.parametrize("number", [*NVIDIA_CALLS.values(), *UVM_CALLS.values()])
def test_cudas_calls_need_a_card_by_nvidia(number: int) -> None:
    """The sizes of arguments differ between versions of the driver, so they are not compared."""
    sized = number | 0xC0200000 if number in NVIDIA_CALLS.values() else number
    assert allows(sized, has_gpu=False, has_nvidia=True, on_console=False)
    assert not allows(sized, has_gpu=True, has_nvidia=False, on_console=True)


CARD, RENDER_NODE = "/dev/dri/card1", "/dev/dri/renderD128"


@pytest.mark.parametrize(
    ("environment", "open_file", "sets"),
    [
        ({"SDL_VIDEODRIVER": "KMSDRM"}, CARD, True),
        ({"SDL_VIDEODRIVER": "kmsdrm", "DISPLAY": ":0"}, CARD, True),
        ({"SDL_VIDEODRIVER": "kmsdrm"}, RENDER_NODE, False),
        ({"SDL_VIDEODRIVER": "kmsdrm"}, "/dev/null", False),
        ({}, "/dev/null", False),
        ({}, CARD, False),
        ({"SDL_VIDEODRIVER": "x11"}, CARD, False),
        ({"SDL_VIDEODRIVER": "wayland", "WAYLAND_DISPLAY": "wayland-0"}, CARD, False),
    ],
)
def test_only_a_show_that_has_opened_the_screen_may_set_it(
    environment: dict[str, str], open_file: str, sets: bool
) -> None:
    """A show may set the screen only if SDL's driver is KMSDRM and the card's device is open."""
    assert sets_the_screen(environment, ["/dev/null", open_file]) is sets


def test_a_headless_show_beside_a_card_cannot_set_the_screen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With a graphics card but no display server, a show may draw but not set the screen's mode."""
    for name in ("SDL_VIDEODRIVER", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    exists = os.path.exists
    monkeypatch.setattr(os.path, "exists", lambda path: path == "/dev/dri" or exists(path))
    filters = [stage_two()]
    for number in GRAPHICS_IOCTLS.values():
        assert answer(filters, 0, "ioctl", 3, number) is None
    for number in CONSOLE_IOCTLS.values():
        assert answer(filters, 0, "ioctl", 3, number) == REFUSED_ERRNO
