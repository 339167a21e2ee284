"""Plays the rehearsal on a machine without a camera until a camera is plugged in."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from installation.errors import Mistake, RestartNeededError
from installation.running.clock import Clock
from installation.seeing.cameras import v4l
from installation.seeing.cameras.camera import Camera
from installation.seeing.frame import Frame

CHECK_INTERVAL_S = 1.0
"""The time between two listings of the devices, s."""


class NewNodes:
    """Finds video nodes that have appeared, including nodes that were deleted and created again."""

    def __init__(
        self, before: Iterable[Path], list_nodes: Callable[[], Iterable[Path]] = v4l.video_nodes
    ) -> None:
        """Store `before`, the nodes at the start; `list_nodes` returns the current nodes."""
        self._before = set(before)
        self._list_nodes = list_nodes

    def find(self) -> Path | None:
        """Return a node that has appeared since the last call, or None."""
        nodes = set(self._list_nodes())
        new = nodes - self._before
        self._before = nodes
        return min(new) if new else None


def plugged_in(node: Path, instead: str) -> RestartNeededError:
    """Return the error that restarts the show because the camera at `node` was plugged in.

    `instead` says what the show was doing without this camera. It is a clause of the message, such
    as "the rehearsal was playing".
    """
    problem = f"this camera was plugged in while {instead}"
    return RestartNeededError(Mistake(str(node), problem, "The show restarts automatically."))


class RehearsalUntilPlugged:
    """A camera that plays the rehearsal, a simulated visitor, until a camera is plugged in.

    As soon as one is plugged in, it raises an error.
    The sandbox lets the show open only the devices that existed when it was sealed, so a new camera
    can be opened only by a new process of the show, which the supervisor starts.
    """

    def __init__(
        self,
        rehearsal: Camera,
        before: Iterable[Path],
        clock: Clock,
        list_nodes: Callable[[], Iterable[Path]] = v4l.video_nodes,
    ) -> None:
        """Play `rehearsal` until a new video node appears.

        `before` are the video nodes that existed at the start. `list_nodes` returns the current
        nodes; it is called every `CHECK_INTERVAL_S` of `clock`.
        """
        self.name = rehearsal.name
        self.pool = rehearsal.pool
        self._rehearsal = rehearsal
        self._clock = clock
        self._new_nodes = NewNodes(before, list_nodes)
        self._checked_at = clock.now()

    def __repr__(self) -> str:
        return f"<RehearsalUntilPlugged {self.name}>"

    def read(self) -> Frame | None:
        """Return the next frame of the rehearsal.

        Raises RestartNeededError as soon as a new camera is plugged in.
        """
        now = self._clock.now()
        if now - self._checked_at >= CHECK_INTERVAL_S:
            self._checked_at = now
            if node := self._new_nodes.find():
                raise plugged_in(node, "the rehearsal was playing")
        return self._rehearsal.read()

    def forget(self) -> None:
        """Zero the pictures of all frames of the rehearsal."""
        self._rehearsal.forget()

    def close(self) -> None:
        """Close the rehearsal."""
        self._rehearsal.close()
