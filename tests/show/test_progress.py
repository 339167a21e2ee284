from __future__ import annotations

import os
import resource
from collections.abc import Iterator

import pytest

from installation.errors import GuardError
from installation.guarding.status import SandboxStatus
from installation.running.progress import Progress, ProgressStream, State
from installation.show.progress import ProgressReporter
from tests.support.manual_clock import ManualClock


class Supervisor:
    """The supervisor's ends of both pipes; the show's ends are in `status`."""

    def __init__(self) -> None:
        self.reading, progress = os.pipe()
        orders, self.writing = os.pipe()
        os.set_blocking(self.reading, False)
        self.status = SandboxStatus("enforce", progress_pipe=progress, orders_pipe=orders)
        self._stream = ProgressStream()

    def newest(self) -> Progress | None:
        """Return the newest record since the last call."""
        try:
            return self._stream.newest(os.read(self.reading, 10_000))
        except BlockingIOError:
            return None


@pytest.fixture
def supervisor() -> Iterator[Supervisor]:
    """Return both pipes of a supervisor."""
    supervisor = Supervisor()
    yield supervisor
    for pipe in (*supervisor.status.pipes, supervisor.reading, supervisor.writing):
        try:
            os.close(pipe)
        except OSError:
            continue


def test_once_a_second_and_at_each_change_of_the_state(supervisor: Supervisor) -> None:
    """Thirty paints a second make one record a second; a change of the state is sent at once."""
    clock = ManualClock()
    reporter = ProgressReporter(supervisor.status, clock)
    told = []
    for _ in range(96):
        reporter.tick()
        clock.instant += 1 / 32
        if progress := supervisor.newest():
            told.append(progress.painted)
    assert told == [1, 33, 65]
    reporter.state = State.LOST
    reporter.tick()
    progress = supervisor.newest()
    assert progress is not None
    assert progress.state == State.LOST
    assert progress.memory_mb > 10
    assert progress.threads >= 1
    assert progress.descriptors >= 3


def test_a_computer_without_a_free_descriptor_is_reported_to(supervisor: Supervisor) -> None:
    """If a figure cannot be read, it is 0, and the show goes on."""
    reporter = ProgressReporter(supervisor.status, ManualClock())
    most, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
    try:
        reporter.tick()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    record = supervisor.newest()
    assert record is not None
    assert (record.threads, record.descriptors, record.memory_mb) == (0, 0, 0)


def test_figures_go_on_from_one_live_show_to_the_next(supervisor: Supervisor) -> None:
    """The counts continue after a camera was opened again."""
    clock = ManualClock()
    reporter = ProgressReporter(supervisor.status, clock)
    for verdicts in (3, 4):
        reporter.begin(lambda count=verdicts: Progress(captured=100, verdicts=count, camera_id=5))  # type: ignore[misc]
        reporter.finish()
    clock.instant += 2
    reporter.tick()
    progress = supervisor.newest()
    assert progress is not None
    assert (progress.captured, progress.verdicts, progress.camera_id) == (200, 7, 5)


def test_no_camera_without_the_supervisors_permission(supervisor: Supervisor) -> None:
    """The show continues once it is allowed to, and ends if its supervisor has ended."""
    reporter = ProgressReporter(supervisor.status, ManualClock())
    os.write(supervisor.writing, b"\1")
    assert reporter.wait_for_permission()
    os.close(supervisor.writing)
    with pytest.raises(GuardError, match="did not allow the show to open a camera"):
        reporter.wait_for_permission()


def test_without_a_supervisor_nobody_is_told_and_nobody_asked() -> None:
    """A show without a supervisor, such as a measurement or an audit, waits for no permission."""
    reporter = ProgressReporter(None, ManualClock())
    reporter.tick()
    assert reporter.wait_for_permission()


def test_the_first_frame_on_the_screen_is_reported_at_once(supervisor: Supervisor) -> None:
    """The first mirrored frame is reported at once, and not only a second later.

    So the supervisor starts a show again that crashed in its first second with the mirror.
    """
    clock = ManualClock()
    reporter = ProgressReporter(supervisor.status, clock)
    shown = 0
    reporter.begin(lambda: Progress(captured=1, mirrored=shown))
    reporter.tick()
    progress = supervisor.newest()
    assert progress is not None
    assert progress.state == State.OPENING
    reporter.tick()
    assert supervisor.newest() is None
    shown = 1
    reporter.tick()
    progress = supervisor.newest()
    assert progress is not None
    assert (progress.state, progress.mirrored) == (State.RUNNING, 1)
