"""Reads a camera through Video4Linux, with features that OpenCV lacks.

OpenCV waits ten seconds for a picture, returns the oldest of the pictures that have arrived, and
does not report a picture that cannot be decoded. Here a wait ends after two seconds, older pictures
in the three buffers are dropped for the newest one, and damaged pictures are skipped. Pictures
arrive in memory that the driver shares with this process; this memory is overwritten as soon as a
picture has been decoded. The kernel's `linux/videodev2.h` defines the numbers and layouts.
"""

from __future__ import annotations

import contextlib
import errno
import mmap
import os
import select
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from installation.guarding.video_outputs import Ioctl, ioctl_of_kernel
from installation.seeing.cameras.v4l import open_node
from installation.seeing.frame import Pixels

TIMEOUT_S = 2.0
"""The longest wait for a picture, s."""

BUFFERS = 3
"""The number of buffers: one that the camera fills, one that waits, and one that is decoded."""

S_FMT, S_PARM = 0xC0D05605, 0xC0CC5616
REQBUFS, QUERYBUF, QBUF, DQBUF = 0xC0145608, 0xC0585609, 0xC058560F, 0xC0585611
STREAMON, STREAMOFF = 0x40045612, 0x40045613

_CAPTURE, _MMAP, _FIELD_ANY = 1, 1, 0
_ERROR_FLAG = 0x40
"""The buffer flag that the driver sets if a picture's data is damaged."""

# type; width, height, pixelformat, field, bytesperline, sizeimage, colorspace, priv, flags, …
_FORMAT = struct.Struct("=I4xII4sIIIIIIIII152x")
# type; capability, capturemode, numerator, denominator, extendedmode, readbuffers, reserved
_RATE = struct.Struct("=IIIIIII176x")
_REQUEST = struct.Struct("=IIIIB3x")
# index, type, bytesused, flags, field, timestamp, timecode, sequence, memory, offset, length, …
_BUFFER = struct.Struct("=IIIII4x16x16xIII4xI12x")

_END_OF_JPEG = b"\xff\xd9"

ZEROS_BLOCK = 1 << 16
"""The number of bytes that are examined at a time to find where the zeros after a picture begin."""


@dataclass(frozen=True)
class Negotiated:
    """The format, size and rate that the camera agreed to."""

    fourcc: str
    width: int
    height: int
    fps: float
    bytes_per_row: int


class Kernel(Protocol):
    """The system calls that reach the driver; tests replace them."""

    def open(self, node: Path) -> int:
        """Open the camera and return its file descriptor. Raises OSError."""
        ...

    def ioctl(self, file: int, call: int, buffer: bytearray) -> object:
        """Make one ioctl call, which may fill `buffer`; return its result. Raises OSError."""
        ...

    def map(self, file: int, length: int, offset: int) -> mmap.mmap:
        """Return the memory of one buffer. Raises OSError."""
        ...

    def wait(self, file: int, timeout_s: float) -> bool:
        """Wait at most `timeout_s` seconds; return whether a picture or an error has arrived."""
        ...

    def close(self, file: int) -> None:
        """Close the camera."""
        ...


class LinuxKernel:
    """The system calls of this machine's kernel."""

    def __init__(self, ioctl: Ioctl = ioctl_of_kernel) -> None:
        self.ioctl = ioctl

    def open(self, node: Path) -> int:
        """Open the camera and return its file descriptor. Raises OSError."""
        return open_node(node)

    def map(self, file: int, length: int, offset: int) -> mmap.mmap:
        """Return the memory of one buffer. Raises OSError."""
        return mmap.mmap(file, length, offset=offset)

    def wait(self, file: int, timeout_s: float) -> bool:
        """Wait at most `timeout_s` seconds; return whether a picture or an error has arrived."""
        waiting = select.poll()
        waiting.register(file, select.POLLIN)
        return bool(waiting.poll(1000 * timeout_s))

    def close(self, file: int) -> None:
        """Close the camera."""
        os.close(file)


class V4lCapture:
    """A camera that is open and streaming; satisfies the Protocol `OpenDevice` of webcam.py."""

    def __init__(self, kernel: Kernel, file: int, negotiated: Negotiated) -> None:
        """Start streaming from the open camera `file`, whose format is set. Raises OSError."""
        self._kernel = kernel
        self._file = file
        self._negotiated = negotiated
        self._buffers: list[mmap.mmap] = []
        self._filled: tuple[int, int] | None = None
        """The buffer index and the length of the newest picture, which waits to be decoded."""
        self.sent = 0
        """The number of pictures that the camera has sent, including those that were not read."""
        self.late = 0
        """The number of pictures that were skipped in favour of a newer one."""
        self.error: OSError | None = None
        """The error of the last `grab`; None if it succeeded or timed out."""
        try:
            self._start()
        except OSError:
            self.release()
            raise

    @classmethod
    def open(
        cls, node: Path, width: int, height: int, fps: float, kernel: Kernel | None = None
    ) -> V4lCapture:
        """Open the camera at `node`, and return it. Raises OSError.

        MJPG is requested with this size (px) and rate. The camera may choose another size or rate.
        If it has no MJPG, YUYV is used. Any other format raises OSError.
        """
        kernel = kernel or LinuxKernel()
        file = kernel.open(node)
        try:
            negotiated = _negotiate(kernel, file, width, height, fps)
        except OSError:
            kernel.close(file)
            raise
        return cls(kernel, file, negotiated)

    def _call(self, number: int, layout: struct.Struct, *fields: object) -> tuple[int, ...]:
        buffer = bytearray(layout.pack(*fields))
        self._kernel.ioctl(self._file, number, buffer)
        return layout.unpack(buffer)

    def _buffer_call(self, number: int, index: int = 0) -> tuple[int, ...]:
        return self._call(number, _BUFFER, index, _CAPTURE, 0, 0, 0, 0, _MMAP, 0, 0)

    def _start(self) -> None:
        count, *_ = self._call(REQBUFS, _REQUEST, BUFFERS, _CAPTURE, _MMAP, 0, 0)
        for index in range(count):
            *_, offset, length = self._buffer_call(QUERYBUF, index)
            self._buffers.append(self._kernel.map(self._file, length, offset))
            self._buffer_call(QBUF, index)
        self._kernel.ioctl(self._file, STREAMON, bytearray(struct.pack("=I", _CAPTURE)))

    def grab(self) -> bool:
        """Wait for a picture, and keep only the newest one; return whether any has arrived."""
        self.error = None
        try:
            self._give_back()
            if not self._kernel.wait(self._file, TIMEOUT_S):
                return False
            while (arrived := self._dequeue()) is not None:
                if self._filled is not None:
                    self.late += 1
                    self._give_back()
                self._filled = arrived
        except OSError as error:
            self.error = error
            return False
        return self._filled is not None

    def _dequeue(self) -> tuple[int, int] | None:
        """Take a filled buffer from the driver and return its index and length, or None.

        A picture that the driver marks as damaged has the length 0.
        """
        try:
            index, _, used, flags, _, number, *_ = self._buffer_call(DQBUF)
        except OSError as error:
            if error.errno == errno.EAGAIN:
                return None
            raise
        self.sent = number + 1
        return index, 0 if flags & _ERROR_FLAG else used

    def _give_back(self) -> None:
        """Return the buffer of the decoded picture to the driver."""
        if self._filled is not None:
            (index, _), self._filled = self._filled, None
            self._buffer_call(QBUF, index)

    def retrieve(self) -> tuple[bool, Pixels | None]:
        """Return (True, grabbed picture), in BGR; (False, None) if it could not be decoded."""
        if self._filled is None:
            return False, None
        index, used = self._filled
        data = np.frombuffer(self._buffers[index], np.uint8, count=used) if used else None
        pixels = None if data is None else self._decode(data)
        if data is not None:
            data.fill(0)
        return pixels is not None, pixels

    def _decode(self, data: Pixels) -> Pixels | None:
        format_ = self._negotiated
        if format_.fourcc == "YUYV":
            needed = format_.bytes_per_row * format_.height
            if len(data) < needed:
                return None
            rows = data[:needed].reshape(format_.height, format_.bytes_per_row)
            packed = rows[:, : 2 * format_.width].reshape(format_.height, format_.width, 2)
            return cv2.cvtColor(packed, cv2.COLOR_YUV2BGR_YUYV).astype(np.uint8, copy=False)
        # Some cameras fill the buffer with zeros after the picture. A picture without an end marker
        # is truncated.
        end = _end_of_data(data)
        if bytes(data[max(0, end - 2) : end]) != _END_OF_JPEG:
            return None
        try:
            decoded = cv2.imdecode(data, cv2.IMREAD_COLOR)
        except cv2.error:
            return None
        return None if decoded is None else decoded.astype(np.uint8, copy=False)

    def set(self, propId: int, value: float) -> bool:  # noqa: ARG002, N803  # OpenCV's name
        """Return False: all properties were negotiated when the camera was opened."""
        return False

    def get(self, propId: int) -> float:  # noqa: N803  # OpenCV's name
        """Return the property: the width, the height or the frame rate; 0 for any other."""
        known = {
            cv2.CAP_PROP_FRAME_WIDTH: self._negotiated.width,
            cv2.CAP_PROP_FRAME_HEIGHT: self._negotiated.height,
            cv2.CAP_PROP_FPS: self._negotiated.fps,
        }
        return float(known.get(propId, 0))

    def release(self) -> None:
        """Stop the camera, overwrite its buffers and close it. A second call does nothing."""
        if self._file < 0:
            return
        with contextlib.suppress(OSError):
            self._kernel.ioctl(self._file, STREAMOFF, bytearray(struct.pack("=I", _CAPTURE)))
        for buffer in self._buffers:
            # The traceback of an exception may still refer to an array over this memory.
            with contextlib.suppress(BufferError, ValueError):
                np.frombuffer(buffer, np.uint8).fill(0)
            with contextlib.suppress(BufferError):
                buffer.close()
        self._buffers = []
        with contextlib.suppress(OSError):
            self._call(REQBUFS, _REQUEST, 0, _CAPTURE, _MMAP, 0, 0)
        self._kernel.close(self._file)
        self._file = -1


def _end_of_data(data: Pixels) -> int:
    """Return the index at which the zeros at the end of `data` begin; `data` is not copied."""
    end = len(data)
    while end and not data[max(0, end - ZEROS_BLOCK) : end].any():
        end = max(0, end - ZEROS_BLOCK)
    block = data[max(0, end - ZEROS_BLOCK) : end]
    return end - int((block[::-1] != 0).argmax()) if end else 0


def _negotiate(kernel: Kernel, file: int, width: int, height: int, fps: float) -> Negotiated:
    """Request MJPG, or else YUYV, and return what the camera agreed to. Raises OSError.

    `width`, `height` (px) and `fps` are requested too; the camera may choose other values.
    """
    for wanted in (b"MJPG", b"YUYV"):
        fields = (_CAPTURE, width, height, wanted, _FIELD_ANY, *[0] * 8)
        buffer = bytearray(_FORMAT.pack(*fields))
        kernel.ioctl(file, S_FMT, buffer)
        _, got_width, got_height, fourcc, _, bytes_per_row, *_ = _FORMAT.unpack(buffer)
        if fourcc in (b"MJPG", b"JPEG", b"YUYV"):
            rate = _set_rate(kernel, file, fps)
            name = "YUYV" if fourcc == b"YUYV" else "MJPG"
            row = bytes_per_row or 2 * got_width
            return Negotiated(name, got_width, got_height, rate, row)
    raise OSError(errno.EINVAL, "the camera offers neither MJPG nor YUYV")


def _set_rate(kernel: Kernel, file: int, fps: float) -> float:
    """Request the rate `fps`. Return the rate that the camera reports; `fps` if it reports none."""
    buffer = bytearray(_RATE.pack(_CAPTURE, 0, 0, 1, max(1, round(fps)), 0, 0))
    try:
        kernel.ioctl(file, S_PARM, buffer)
    except OSError:
        return fps
    _, _, _, numerator, denominator, *_ = _RATE.unpack(buffer)
    return denominator / numerator if numerator and denominator else fps
