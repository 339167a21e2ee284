"""The figures that the show sends its supervisor each second: fixed-size numbers through a pipe.

The supervisor is outside the sandbox, so it accepts only these numbers: a record has 17 unsigned
numbers and a fixed length, and each number is limited to a range. Rejected: lines of text, which
would have to be parsed and could carry more.
"""

from __future__ import annotations

import enum
import os
import struct
from dataclasses import astuple, dataclass, fields

_RECORD = struct.Struct("<17I")
_MOST = (1 << 32) - 1

RECORD_BYTES = _RECORD.size
"""The size of every record, bytes."""

READ_AT_MOST = 64 * RECORD_BYTES
"""The largest number of bytes that the supervisor reads at once; only the newest record is used."""


class State(enum.IntEnum):
    """The state of the show."""

    STARTING = 0
    """The show is loading, and the title card is on the screen."""
    SEALED = 1
    """The sandbox is complete. The show waits until the supervisor lets it open its camera."""
    OPENING = 2
    """The camera is being opened."""
    RUNNING = 3
    """Frames arrive."""
    STALLED = 4
    """The camera is plugged in, but no usable frame arrives."""
    LOST = 5
    """The camera was unplugged while the show ran."""
    WAITING = 6
    """The show has no camera yet."""
    FAILED = 7
    """The show cannot continue. Visitors see a card: a picture with a short text."""


class CameraFault(enum.IntFlag):
    """The faults of a camera that is plugged in, as bits."""

    FROZEN = 1
    BLACK = 2
    OVEREXPOSED = 4
    TORN = 8
    OTHER_SIZE = 16
    SLOW = 32
    CONTROLS = 64
    """A control that kiosk.yaml names could not be set on this camera."""
    LOW_RATE = 128
    """The camera offers less than half of the rate that kiosk.yaml requests."""


class DeviceKind(enum.IntEnum):
    """The kind of processor that the networks run on."""

    UNKNOWN = 0
    PROCESSOR = 1
    GRAPHICS_CARD = 2
    PROCESSOR_INSTEAD = 3
    """The CPU, because the graphics card failed."""


@dataclass(frozen=True)
class Progress:
    """The figures of the show at one instant; each count is 0 at the start of the show.

    `frame_age_ms` is the longest time from the arrival of a frame to its display, of all frames
    that were displayed since the last record.
    `camera_faults` are the bits of `CameraFault`.
    """

    state: int = State.STARTING
    captured: int = 0
    analysed: int = 0
    painted: int = 0
    """The number of flips of the screen, including the flips that show a card."""
    mirrored: int = 0
    """The number of frames that reached the screen."""
    skipped: int = 0
    """The number of damaged or missing pictures of the camera."""
    verdicts: int = 0
    frame_age_ms: int = 0
    analysis_failures: int = 0
    device: int = DeviceKind.UNKNOWN
    camera_faults: int = 0
    reopened: int = 0
    """The number of times that the camera was opened again."""
    memory_mb: int = 0
    threads: int = 0
    descriptors: int = 0
    wanted_fps: int = 0
    """The nominal frame rate of the camera, frames per second."""
    camera_id: int = 0
    """The number by which the next process of the show recognises the camera in use; 0: none."""

    def to_bytes(self) -> bytes:
        """Return the figures as a record, `RECORD_BYTES` long."""
        return _RECORD.pack(*(min(max(int(each), 0), _MOST) for each in astuple(self)))

    @classmethod
    def from_bytes(cls, record: bytes) -> Progress:
        """Return the figures of a `record`, each limited to its range.

        The record is not trusted: any process with the pipe may have sent it.
        """
        numbers = dict(
            zip((field.name for field in fields(cls)), _RECORD.unpack(record), strict=True)
        )
        for name, most in _LARGEST.items():
            numbers[name] = min(numbers[name], most)
        return cls(**numbers)


_LARGEST = {
    "state": max(State),
    "device": max(DeviceKind),
    "camera_faults": sum(CameraFault),
    "frame_age_ms": 60_000,
    "memory_mb": 1_000_000,
    "threads": 10_000,
    "descriptors": 10_000,
    "wanted_fps": 1000,
}


class ProgressStream:
    """Cuts the bytes that arrive at the supervisor into records."""

    def __init__(self) -> None:
        self._rest = b""

    def newest(self, data: bytes) -> Progress | None:
        """Add `data`, and return the newest record that it completes; None if it completes none."""
        data = self._rest + data
        complete = len(data) // _RECORD.size * _RECORD.size
        self._rest = data[complete:]
        if not complete:
            return None
        return Progress.from_bytes(data[complete - _RECORD.size : complete])


def send(pipe: int, progress: Progress) -> bool:
    """Write the record to the non-blocking `pipe`, and return whether all of it was written.

    A supervisor that does not read or has ended must not delay the picture on the screen.
    """
    try:
        return os.write(pipe, progress.to_bytes()) == _RECORD.size
    except OSError:
        return False
