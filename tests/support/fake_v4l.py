"""A kernel with one camera that follows the rules of Video4Linux, without a device."""

from __future__ import annotations

import errno
import mmap
import struct
from collections import deque
from pathlib import Path

from installation.seeing.cameras import v4l_capture as v4l


class FakeKernel:
    """Satisfies Kernel: a camera of `size` that sends the pictures in `sent`, as bytes.

    Calls in the wrong order fail as the kernel's do.
    """

    def __init__(
        self,
        *,
        size: tuple[int, int] = (64, 48),
        fourcc: bytes = b"MJPG",
        rate: tuple[int, int] | None = (1, 30),
    ) -> None:
        self.size = size
        self.fourcc = fourcc
        self.rate = rate
        self.sent: deque[bytes | OSError] = deque()
        """The pictures that arrive next; None: nothing arrives in time."""
        self.damaged: set[int] = set()
        """The numbers of the pictures that the driver marks as damaged."""
        self.memory: list[mmap.mmap] = []
        self.queued: deque[int] = deque()
        self.filled: deque[tuple[int, int, int]] = deque()
        self.streaming = False
        self.closed = 0
        self.waited: list[float] = []
        self.unplugged = False
        self._count = 0

    def open(self, node: Path) -> int:
        if self.unplugged:
            raise OSError(errno.ENODEV, "No such device")
        return 7

    def close(self, file: int) -> None:
        self.closed += 1

    def map(self, file: int, length: int, offset: int) -> mmap.mmap:
        memory = mmap.mmap(-1, length)
        assert offset == len(self.memory) * length
        self.memory.append(memory)
        return memory

    def wait(self, file: int, timeout_s: float) -> bool:
        self.waited.append(timeout_s)
        return self._arrive()

    def _arrive(self) -> bool:
        """Put all pictures that were sent into the queued buffers; return whether any arrived."""
        while self.sent and self.queued and not isinstance(self.sent[0], OSError):
            picture = self.sent.popleft()
            assert isinstance(picture, bytes)
            index = self.queued.popleft()
            self.memory[index][: len(picture)] = picture
            flags = 0x40 if self._count in self.damaged else 0
            self._count += 1
            self.filled.append((index, len(picture), flags))
        return bool(self.filled or self.sent)

    def ioctl(self, file: int, call: int, buffer: bytearray) -> object:
        if self.unplugged:
            raise OSError(errno.ENODEV, "No such device")
        if call == v4l.S_FMT:
            width, height = self.size
            struct.pack_into("=II4s", buffer, 8, width, height, self.fourcc)
            struct.pack_into("=I", buffer, 24, 0 if self.fourcc == b"MJPG" else 2 * width)
        elif call == v4l.S_PARM:
            if self.rate is None:
                raise OSError(errno.ENOTTY, "no such call")
            struct.pack_into("=II", buffer, 12, *self.rate)
        elif call == v4l.REQBUFS:
            (count,) = struct.unpack_from("=I", buffer)
            assert not (count and self.memory), "buffers are requested once"
        elif call == v4l.QUERYBUF:
            (index,) = struct.unpack_from("=I", buffer)
            length = 2 * self.size[0] * self.size[1] + 4096
            length += -length % mmap.PAGESIZE
            struct.pack_into("=I", buffer, 64, index * length)
            struct.pack_into("=I", buffer, 72, length)
        elif call == v4l.QBUF:
            (index,) = struct.unpack_from("=I", buffer)
            assert index not in self.queued, "a buffer is queued once"
            self.queued.append(index)
        elif call == v4l.DQBUF:
            assert self.streaming
            self._arrive()
            if not self.filled:
                if self.sent and isinstance(self.sent[0], OSError):
                    error = self.sent.popleft()
                    assert isinstance(error, OSError)
                    raise error
                raise OSError(errno.EAGAIN, "try again")
            index, used, flags = self.filled.popleft()
            struct.pack_into("=IIII", buffer, 0, index, 1, used, flags)
            struct.pack_into("=I", buffer, 56, self._count - len(self.filled) - 1)
        elif call == v4l.STREAMON:
            self.streaming = True
        elif call == v4l.STREAMOFF:
            self.streaming = False
        else:
            raise OSError(errno.ENOTTY, "no such call")
        return 0
