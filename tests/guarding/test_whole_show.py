"""The whole show, watched from outside, with a leak on purpose as the control of each check."""

from __future__ import annotations

import os
import re
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import IO

import cv2
import numpy as np
import pytest

from installation.guarding.stage_one import show_environment
from tests.support.children import (
    NOBODY,
    PLAYED_S,
    USERS,
    as_user,
    environment,
    home_of,
    needs_guard,
)
from tests.support.tools import tool

SIZE = (640, 360)
SEED = 20260101

WRITES = (
    *("write", "writev", "pwrite64", "pwritev", "pwritev2", "sendto", "sendmsg", "sendmmsg"),
    *("sendfile", "splice", "tee", "vmsplice", "copy_file_range", "io_submit", "io_uring_enter"),
    *("mq_timedsend", "msgsnd", "process_vm_writev"),
)
FEW_BLOCKS = 64
"""The start reads files, and file systems note when (16 blocks were seen); a frame has 1,350."""
SEALED = "SECCOMP_FILTER_FLAG_TSYNC"
NAMED = 'write(2, "camera:'

TELLS = """
import os, signal
own = os.open("/proc/self/io", os.O_RDONLY)
def tell(*_):
    count = dict(line.split(b": ") for line in os.pread(own, 1000, 0).splitlines())
    os.write(2, b"write_bytes: " + count[b"write_bytes"] + b"\\n")
signal.signal(signal.SIGUSR1, tell)
"""
"""The first that Python runs in a show: on a signal it tells how many bytes went towards disks.

From the second stage on the kernel tells nobody else but root, whenever they began to ask.
"""

LEAKS = """
import socket, sys
from dataclasses import replace
from pathlib import Path
from installation import STARTED_AT
from installation.settings import kiosk as config
from installation.show.entry import ended_by_signals
from installation.show.parts import open_parts
from installation.show.show import Show

class Leaky:
    def __init__(self, camera):
        self.camera, self.name, self.frames = camera, camera.name, 0
    def read(self):
        frame = self.camera.read()
        self.frames += 1
        if self.frames == 15:
            Path("leak.bin").write_bytes(frame.pixels.tobytes())
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
                sender.sendto(frame.pixels[10].tobytes(), ("127.0.0.1", int(sys.argv[2])))
            sys.stderr.buffer.write(frame.pixels[10].tobytes() + b"\\n")
            sys.stderr.flush()
        return frame
    def forget(self):
        self.camera.forget()
    def close(self):
        self.camera.close()

def load(*arguments):
    parts = open_parts(*arguments)
    return replace(parts, open_camera=lambda: Leaky(parts.open_camera()))

from installation.showing.window import OffScreen, Window
screen = Window(0, (1280, 720)) if sys.argv[3:] else OffScreen()
say = lambda line: print(line, file=sys.stderr, flush=True)
tell = lambda event: print(event, flush=True)
leaking = Show(
    config.load(Path(sys.argv[1])), screen, started_at=STARTED_AT, log=say, emit=tell,
    open_parts=load,
)
with ended_by_signals(leaking):
    leaking.run()
import os
os._exit(0)
"""


def noise() -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """Return a frame of random bytes with a face in its middle."""
    picture = np.random.default_rng(SEED).integers(0, 256, (SIZE[1], SIZE[0], 3), np.uint8)
    package = find_spec("skimage")
    assert package is not None
    assert package.origin is not None
    portrait = cv2.imread(str(Path(package.origin).parent / "data" / "astronaut.png"))
    assert portrait is not None
    picture[40:360, 160:480] = cv2.cvtColor(cv2.resize(portrait, (320, 320)), cv2.COLOR_BGR2RGB)
    return picture


CANARY = noise()[10, :40].tobytes()
"""A row of the frame that no other bytes hold by chance."""


def holds_canary(data: bytes) -> bool:
    """Tell whether `data` holds a part of the frame, in either order of its colours."""
    turned = np.frombuffer(CANARY, np.uint8).reshape(-1, 3)[:, ::-1].tobytes()
    return any(part[i : i + 24] in data for part in (CANARY, turned) for i in (0, 48, 96))


@dataclass
class Seen:
    """What was seen of a show from outside, after its first stage."""

    said: bytes = b""
    told: bytes = b""
    heard: bytes = b""
    written_to: set[int] = field(default_factory=set)
    """The files that were written to after the seal, by number; after the camera's name where
    there was none."""
    display: set[int] = field(default_factory=set)
    """Those that were connected to the display."""
    spoke_after_seal: bool = False
    changed: dict[str, bytes] = field(default_factory=dict)
    """What became of the user's files, from before the start until after the end, by path."""
    blocks: int = 0
    """How many blocks the show and all of its processes sent towards disks in that time."""
    write_bytes: int = -1
    """How many bytes the show did from the seal to the verdict, by its own account."""
    status: int | None = None


def owned(user: str, home: Path) -> dict[str, tuple[int, int]]:
    """Return the size and the change time of every file that `user` could have changed."""
    # Root's other files are other programs' too; where it may write, they are watched in its home.
    places = [home] if user == "root" else [home, Path("/dev/shm"), Path("/var/tmp")]
    number = NOBODY if os.geteuid() == 0 else os.geteuid()
    found = {}
    for place in places:
        for folder, _, files in os.walk(place):
            for path in [folder, *(os.path.join(folder, name) for name in files)]:
                try:
                    state = os.lstat(path)
                except OSError:
                    continue
                # The folder that the self-test is to try is made before the first stage.
                if "kiosk-scratch-" in path:
                    continue
                if user == "root" or state.st_uid == number:
                    found[path] = (state.st_size, state.st_ctime_ns)
    return found


def writes(trace: str, sealed_by: str) -> Iterator[int]:
    """Yield the number of the file of each write in `trace` after the line with `sealed_by`."""
    sealed = False
    write = re.compile(rf"^\d+ +(?:{'|'.join(WRITES)})\((-?\d+)")
    for line in trace.splitlines():
        sealed |= sealed_by in line
        match = write.match(line)
        if sealed and match and "= -1 E" not in line:
            yield int(match[1])


def watch(user: str, folder: Path, leaking: bool, display: str | None = None) -> Seen:
    """Run the show as `user` until it has named somebody, and return what was seen.

    With a `display` it has a window there. Under the guard it then tells nobody's name, and plays
    for `PLAYED_S`.
    """
    strace = tool("strace")
    home = home_of(user, folder)
    pictures = folder / "pictures"
    pictures.mkdir()
    cv2.imwrite(str(pictures / "a.png"), cv2.cvtColor(noise(), cv2.COLOR_RGB2BGR))
    settings = folder / "kiosk.yaml"
    settings.write_text(
        f"device: cpu\ncamera:\n  source: {pictures}\n  mirror: false\n"
        f"  width: {SIZE[0]}\n  height: {SIZE[1]}\n"
    )
    listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    listener.bind(("127.0.0.1", 0))
    listener.setblocking(False)
    port = str(listener.getsockname()[1])
    if leaking:
        show = ["-c", LEAKS, str(settings), port, *(["window"] if display else [])]
    else:
        screen = ["--windowed", "1280x720"] if display else ["--headless"]
        show = ["-m", "installation", "run", *screen, str(settings)]
    (folder / "sitecustomize.py").write_text(TELLS)
    variables = environment(home)
    variables["PYTHONPATH"] = f"{folder}:{variables['PYTHONPATH']}"
    if display:
        variables |= {"DISPLAY": display, "SDL_VIDEODRIVER": "x11"}
    # In memory, so that the tracer itself sends nothing towards a disk.
    trace = Path("/dev/shm", f"{folder.name}-{os.getpid()}.trace")
    calls = ",".join((*WRITES, "seccomp", "connect"))
    # A filter of the tracer's own stops the show at these calls only. A call that one of the show's
    # filters refuses is then not told of; nothing was written by it either.
    tracer = [strace, "-f", "--seccomp-bpf", "-qq", "-e", f"trace={calls}", "-o", str(trace)]
    before, blocks_before = owned(user, home), _blocks()
    running = subprocess.Popen(
        [*as_user(user), *tracer, sys.executable, *show],
        cwd=home,
        env=show_environment(variables) if leaking else variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert running.stdout is not None
    assert running.stderr is not None
    seen = Seen()
    try:
        for line in running.stderr:
            seen.said += line
            if line.startswith(b"camera:"):
                break
        assert line.startswith(b"camera:"), seen.said.decode(errors="replace")
        [child] = Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text().split()
        wrote_before = _write_bytes(child, running.stderr, seen)
        if display and not leaking:
            with pytest.raises(subprocess.TimeoutExpired):
                running.wait(PLAYED_S)
        else:
            for line in running.stdout:
                seen.told += line
                if b"verdict" in line:
                    break
        seen.write_bytes = _write_bytes(child, running.stderr, seen) - wrote_before
        os.kill(int(child), signal.SIGTERM)
        told, said = running.communicate(timeout=60)
    finally:
        running.kill()
        running.wait()
        traced = trace.read_text(errors="replace") if trace.exists() else ""
        trace.unlink(missing_ok=True)
    seen.told, seen.said = seen.told + told, seen.said + said
    seen.status = running.returncode
    seen.blocks = _blocks() - blocks_before
    numbers = list(writes(traced, NAMED if leaking else SEALED))
    seen.written_to, seen.spoke_after_seal = set(numbers), 2 in numbers
    if display:
        far_end = re.escape(f"/tmp/.X11-unix/X{display[1:]}")
        seen.display = {int(n) for n in re.findall(rf'connect\((\d+), .*{far_end}"', traced)}
    after = owned(user, home)
    for path in before.keys() | after.keys():
        if path != str(trace) and before.get(path) != after.get(path):
            seen.changed[path] = Path(path).read_bytes() if Path(path).is_file() else b""
    try:
        seen.heard = listener.recv(1 << 16)
    except BlockingIOError:
        seen.heard = b""
    listener.close()
    return seen


def _write_bytes(process: str, said: IO[bytes], seen: Seen) -> int:
    """Return the bytes that `process` sent towards disks, which it tells among what is `said`."""
    os.kill(int(process), signal.SIGUSR1)
    for line in said:
        seen.said += line
        if line.startswith(b"write_bytes:"):
            return int(line.split()[1])
    raise AssertionError(seen.said.decode(errors="replace"))


def _blocks() -> int:
    """Return how many blocks of 512 bytes the processes that have ended sent towards disks.

    Whoever may not look into the show, which no ordinary user may, is still told of this.
    """
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_oublock


def _on_a_disk(folder: Path) -> bool:
    """Tell whether what is written to `folder` is counted."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_oublock
    (folder / "probe").write_bytes(bytes(1 << 16))
    return resource.getrusage(resource.RUSAGE_SELF).ru_oublock > before


def assert_nothing_left(seen: Seen) -> None:
    """Fail where a part of a frame went anywhere but to the display."""
    assert seen.status == 0, seen.said.decode(errors="replace")
    assert seen.spoke_after_seal, "the tracer sees what is written after the seal"
    assert seen.written_to <= {1, 2} | seen.display
    assert seen.changed == {}
    assert not seen.heard
    assert not holds_canary(seen.told + seen.said)
    assert seen.write_bytes == 0
    assert seen.blocks < FEW_BLOCKS


def assert_each_check_finds_its_leak(seen: Seen, folder: Path) -> None:
    """Fail where one of the checks above saw nothing of a show that leaks."""
    assert not seen.written_to <= {1, 2} | seen.display
    assert [path for path, data in seen.changed.items() if holds_canary(data)]
    assert holds_canary(seen.heard)
    assert holds_canary(seen.said)
    if not _on_a_disk(folder):
        pytest.skip(f"{folder} is on no disk, so nothing was sent to one; the other checks hold")
    assert seen.blocks >= FEW_BLOCKS
    assert seen.write_bytes > 0


@needs_guard
@pytest.mark.parametrize("user", USERS)
def test_nothing_of_a_frame_leaves_the_show(user: str, tmp_path: Path) -> None:
    """While it names somebody the show writes to standard output and error and nowhere else."""
    seen = watch(user, tmp_path, leaking=False)
    assert b"verdict" in seen.told, seen.said.decode(errors="replace")
    assert_nothing_left(seen)


@pytest.mark.parametrize("user", USERS)
def test_each_check_finds_its_leak(user: str, tmp_path: Path) -> None:
    """The control: a show that leaks without the guard is found out by every check."""
    seen = watch(user, tmp_path, leaking=True)
    assert b"verdict" in seen.told, seen.said.decode(errors="replace")
    assert_each_check_finds_its_leak(seen, tmp_path)


@needs_guard
@pytest.mark.parametrize("user", USERS)
def test_a_window_is_all_that_pictures_go_to(user: str, display: str, tmp_path: Path) -> None:
    """A show with a window writes to the display, to standard output and error, nowhere else."""
    seen = watch(user, tmp_path, leaking=False, display=display)
    assert seen.display & seen.written_to, seen.said.decode(errors="replace")
    assert_nothing_left(seen)


def test_a_leak_beside_the_window_is_found(display: str, tmp_path: Path) -> None:
    """The control: what a show with a window writes elsewhere, without the guard, is seen.

    For one user, as the same checks have their control for both above.
    """
    seen = watch(USERS[-1], tmp_path, leaking=True, display=display)
    assert seen.display & seen.written_to, seen.said.decode(errors="replace")
    assert_each_check_finds_its_leak(seen, tmp_path)
