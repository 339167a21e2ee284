from __future__ import annotations

import errno
from pathlib import Path

import cv2
import numpy as np
import pytest

from installation.seeing.cameras import v4l_capture
from installation.seeing.cameras.v4l_capture import BUFFERS, V4lCapture
from tests.support.fake_v4l import FakeKernel
from tests.support.tools import header

NODE = Path("/dev/video0")


def jpeg(level: int) -> bytes:
    """Return a picture of one grey, 64×48, as a camera sends it."""
    return cv2.imencode(".jpg", np.full((48, 64, 3), level, np.uint8))[1].tobytes()


def opened(kernel: FakeKernel) -> V4lCapture:
    """Return a capture of 64×48 at 30 fps."""
    return V4lCapture.open(NODE, 64, 48, 30, kernel)


def level(capture: V4lCapture) -> int | None:
    """Return the mean of the next picture; None if none could be decoded."""
    decoded, pixels = capture.retrieve() if capture.grab() else (False, None)
    return round(float(pixels.mean())) if decoded and pixels is not None else None


def test_the_newest_picture_is_taken() -> None:
    """Only the newest picture is decoded; the older ones are counted as late."""
    kernel = FakeKernel()
    capture = opened(kernel)
    kernel.sent.extend(jpeg(each) for each in (10, 20, 30))
    assert level(capture) == 30
    assert capture.late == 2
    assert capture.sent == 3
    assert len(kernel.queued) == BUFFERS - 1, "all but the decoded one are with the camera again"
    kernel.sent.append(jpeg(40))
    assert level(capture) == 40


def test_a_wait_ends_after_two_seconds() -> None:
    """A camera that hangs does not hold the thread for longer."""
    kernel = FakeKernel()
    capture = opened(kernel)
    assert not capture.grab()
    assert kernel.waited == [2.0]
    kernel.sent.append(jpeg(50))
    assert level(capture) == 50


@pytest.mark.parametrize(
    "sent",
    [b"", b"not a picture", jpeg(90)[:-2], jpeg(90)[:200], jpeg(90)[:-2] + bytes(100)],
)
def test_a_damaged_picture_is_left_out(sent: bytes) -> None:
    """Empty, cut and meaningless data are not decoded, and the next one is read."""
    kernel = FakeKernel()
    capture = opened(kernel)
    kernel.sent.append(sent)
    assert level(capture) is None
    kernel.sent.append(jpeg(60))
    assert level(capture) == 60


def test_what_the_driver_marks_as_damaged_is_left_out() -> None:
    """A buffer with the error flag is not decoded, although it looks complete."""
    kernel = FakeKernel()
    kernel.damaged = {0}
    capture = opened(kernel)
    kernel.sent.append(jpeg(70))
    assert level(capture) is None


@pytest.mark.parametrize("zeros", [0, 1, 500, 1023, 1024, 1025, 5000])
def test_zeros_behind_a_picture_are_no_damage(zeros: int) -> None:
    """Zeros after the end of a picture, which some cameras add, are not damage, however many."""
    kernel = FakeKernel()
    capture = opened(kernel)
    kernel.sent.append(jpeg(80) + bytes(zeros))
    assert level(capture) == 80


@pytest.mark.parametrize("zeros", [1, 2, 1024, 5000])
def test_a_picture_of_zeros_is_damaged(zeros: int) -> None:
    """A buffer that the camera has not filled is left out."""
    kernel = FakeKernel()
    capture = opened(kernel)
    kernel.sent.append(bytes(zeros))
    assert level(capture) is None


def test_a_camera_without_mjpg_gives_yuyv() -> None:
    """Raw pictures are decoded as well; a short one is damaged."""
    kernel = FakeKernel(fourcc=b"YUYV")
    capture = opened(kernel)
    kernel.sent.append(bytes([200, 128]) * (64 * 48))
    _, pixels = (capture.grab(), capture.retrieve())[1]
    assert pixels is not None
    assert pixels.shape == (48, 64, 3)
    assert np.ptp(pixels) == 0
    kernel.sent.append(bytes(100))
    assert level(capture) is None


def test_another_format_is_left_to_opencv() -> None:
    """A format that is not decoded here is an error, and the device is closed."""
    kernel = FakeKernel(fourcc=b"NV12")
    with pytest.raises(OSError, match="neither MJPG nor YUYV"):
        opened(kernel)
    assert kernel.closed == 1


@pytest.mark.parametrize(("rate", "fps"), [((1, 30), 30), ((1001, 15000), 14.985), (None, 30)])
def test_the_rate_is_what_the_camera_promises(rate: tuple[int, int] | None, fps: float) -> None:
    """A camera that does not state a rate is assumed to have the requested rate."""
    capture = opened(FakeKernel(rate=rate))
    assert capture.get(cv2.CAP_PROP_FPS) == pytest.approx(fps, abs=0.001)
    assert capture.get(cv2.CAP_PROP_FRAME_WIDTH) == 64


def test_a_camera_that_is_unplugged_is_no_picture() -> None:
    """If the camera is unplugged the read ends, and closing it raises nothing."""
    kernel = FakeKernel()
    capture = opened(kernel)
    kernel.sent.append(OSError(errno.ENODEV, "No such device"))
    assert not capture.grab()
    assert capture.error is not None
    kernel.unplugged = True
    assert not capture.grab()
    capture.release()
    capture.release()
    assert kernel.closed == 1


def test_nothing_of_a_picture_stays_in_the_cameras_memory() -> None:
    """A decoded picture is overwritten at once, and all buffers when the camera is closed."""
    kernel = FakeKernel()
    capture = opened(kernel)
    kernel.sent.extend([jpeg(90), jpeg(91)])
    assert level(capture) == 91
    memories = [np.frombuffer(memory, np.uint8) for memory in kernel.memory]
    decoded = next(number for number in range(BUFFERS) if number not in kernel.queued)
    assert not memories[decoded].any()
    assert any(memory.any() for memory in memories), "the late one waits for the camera"
    capture.release()
    assert not any(memory.any() for memory in memories)
    assert not kernel.streaming


def test_the_numbers_are_those_of_the_kernel(tmp_path: Path) -> None:
    """The calls' numbers and the sizes of their structures agree with the kernel's header."""
    header("linux/videodev2.h")
    import shutil
    import subprocess

    names = ("S_FMT", "S_PARM", "REQBUFS", "QUERYBUF", "QBUF", "DQBUF", "STREAMON", "STREAMOFF")
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler")
    source = tmp_path / "numbers.c"
    prints = "".join(f'printf("%u\\n",(unsigned)VIDIOC_{name});' for name in names)
    source.write_text(
        "#include <linux/videodev2.h>\n#include <stdio.h>\nint main(){" + prints + "return 0;}"
    )
    program = tmp_path / "numbers"
    subprocess.run([compiler, str(source), "-o", str(program)], check=True, timeout=60)
    printed = subprocess.run([program], capture_output=True, text=True, check=True, timeout=10)
    assert [int(line) for line in printed.stdout.split()] == [
        vars(v4l_capture)[name] for name in names
    ]
