"""A whole show, observed from outside; the control is a show that leaks on purpose."""

from __future__ import annotations

import ctypes
import json
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

import cv2
import numpy as np
import pytest

from installation.guarding.stage_one import ENVIRONMENT
from installation.running.progress import RECORD_BYTES
from tests.support.children import (
    NOBODY,
    PLAYED_S,
    USERS,
    as_user,
    environment,
    home_of,
    needs_guard,
    show_of,
)
from tests.support.compositor import compositor
from tests.support.tools import tool
from tests.support.x_server import x_server

pytestmark = pytest.mark.slow


@pytest.fixture
def display() -> Iterator[str]:
    """The name of an X server that runs only for this test."""
    with x_server() as name:
        yield name


SIZE = (640, 360)
SEED = 20260101

WRITES = (
    *("write", "writev", "pwrite64", "pwritev", "pwritev2", "sendto", "sendmsg", "sendmmsg"),
    *("sendfile", "splice", "tee", "vmsplice", "copy_file_range", "io_submit", "io_uring_enter"),
    *("mq_timedsend", "msgsnd", "process_vm_writev"),
)
FEW_BLOCKS = 64
"""The start-up changes access times of files (16 blocks were measured); a frame has 1,350."""
SEALED = "SECCOMP_FILTER_FLAG_TSYNC"
NAMED = 'write(2, "camera:'
RECORD = f"= {RECORD_BYTES}"
"""The end of strace's line for a write of one record of the show's progress."""

LEAKING_SHOW = """
import socket, sys
from dataclasses import replace
from pathlib import Path
from installation import STARTED_AT
from installation.settings.kiosk import load_settings
from installation.show.entry import ended_by_signals
from installation.show.parts import open_parts
from installation.show.show import Show

class LeakingCamera:
    def __init__(self, camera):
        self.camera, self.frames = camera, 0
    def __getattr__(self, name):
        return getattr(self.camera, name)
    def read(self):
        frame = self.camera.read()
        self.frames += 1
        if self.frames == 15:
            Path("leak.bin").write_bytes(frame.bgr.tobytes())
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
                sender.sendto(frame.bgr[10].tobytes(), ("127.0.0.1", int(sys.argv[2])))
            sys.stderr.buffer.write(frame.bgr[10].tobytes() + b"\\n")
            sys.stderr.flush()
        return frame

def open_leaking_parts(*arguments):
    parts = open_parts(*arguments)
    return replace(parts, open_camera=lambda: LeakingCamera(parts.open_camera()))

from installation.showing.window import OffScreen, Window
screen = Window(0, (1280, 720)) if sys.argv[3:] else OffScreen()
log = lambda line: print(line, file=sys.stderr, flush=True)
emit = lambda event: print(event, flush=True)
leaking = Show(
    load_settings(Path(sys.argv[1])), screen, started_at=STARTED_AT, log=log, emit=emit,
    open_parts=open_leaking_parts,
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
"""A row of the frame, which other bytes do not contain by chance."""


def holds_canary(data: bytes) -> bool:
    """Return whether `data` contains a part of the frame, as RGB or as BGR."""
    bgr = np.frombuffer(CANARY, np.uint8).reshape(-1, 3)[:, ::-1].tobytes()
    return any(part[i : i + 24] in data for part in (CANARY, bgr) for i in (0, 48, 96))


@dataclass
class Observation:
    """What was observed of a show from outside, after its stage one."""

    stderr: bytes = b""
    stdout: bytes = b""
    received: bytes = b""
    """What a socket on this machine received."""
    written_to: set[int] = field(default_factory=set)
    """The descriptors that were written to after the guard was sealed; if the show has no guard,
    after its camera was named."""
    display: set[int] = field(default_factory=set)
    """The descriptors that were connected to the display."""
    wrote_after_seal: bool = False
    changed: dict[str, bytes] = field(default_factory=dict)
    """The user's files that changed between the start and the end, with their content."""
    blocks: int = 0
    """The blocks that the show and all of its processes sent to disks in that time."""
    write_bytes: int = -1
    """The bytes that the show sent to disks between the seal and the verdict."""
    status: int | None = None


def owned(user: str, home: Path) -> dict[str, tuple[int, int]]:
    """Return the size and the change time of each file that `user` may change, by path."""
    # Other programs of root write elsewhere, so only root's home is observed.
    places = [home] if user == "root" else [home, Path("/dev/shm"), Path("/var/tmp")]
    user_id = NOBODY if os.geteuid() == 0 else os.geteuid()
    found = {}
    for place in places:
        for folder, _, files in os.walk(place):
            for path in [folder, *(os.path.join(folder, name) for name in files)]:
                try:
                    state = os.lstat(path)
                except OSError:
                    continue
                # The scratch folder of the self-test is made before stage one.
                if "kiosk-scratch-" in path:
                    continue
                if user == "root" or state.st_uid == user_id:
                    found[path] = (state.st_size, state.st_ctime_ns)
    return found


def writes(trace: str, sealed_by: str, supervisor: int | None) -> Iterator[int]:
    """Yield the descriptor of each write in `trace` after the line that contains `sealed_by`.

    Writes by the `supervisor` are left out, because it sees no frame. The show's pipe to the
    supervisor is left out too: the descriptor to which only records of numbers were written.
    """
    sealed = False
    write = re.compile(rf"^(\d+) +(?:{'|'.join(WRITES)})\((-?\d+).*?(= \d+)?$")
    written: dict[int, set[str]] = {}
    for line in trace.splitlines():
        sealed |= sealed_by in line
        match = write.match(line)
        if sealed and match and "= -1 E" not in line and int(match[1]) != supervisor:
            # A call that another thread interrupts has its result on a line of its own.
            written.setdefault(int(match[2]), set()).update([match[3]] if match[3] else [])
    records = [file for file, sizes in written.items() if sizes == {RECORD}]
    assert len(records) <= 1
    yield from written.keys() - records


def observe(user: str, folder: Path, leaking: bool, display: str | None = None) -> Observation:
    """Run the show as `user` until it has named somebody, and return what was observed.

    With a `display` it has a window there. Then it prints no verdicts, and under the guard it runs
    for `PLAYED_S`.
    """
    strace = tool("strace")
    home = home_of(user, folder)
    pictures = folder / "pictures"
    pictures.mkdir()
    cv2.imwrite(str(pictures / "a.png"), cv2.cvtColor(noise(), cv2.COLOR_RGB2BGR))
    settings = folder / "kiosk.yaml"
    # A show that is traced promises visitors nothing; all of its layers are the same.
    settings.write_text(
        f"privacy: degraded\ndevice: cpu\ncamera:\n  source: {pictures}\n  mirror: false\n"
        f"  width: {SIZE[0]}\n  height: {SIZE[1]}\n"
    )
    listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    listener.bind(("127.0.0.1", 0))
    listener.setblocking(False)
    port = str(listener.getsockname()[1])
    if leaking:
        show = ["-c", LEAKING_SHOW, str(settings), port, *(["window"] if display else [])]
    else:
        screen = ["--windowed", "1280x720"] if display else ["--headless"]
        show = ["-m", "installation", "run", *screen, str(settings)]
    variables = environment(home)
    if display:
        variables |= {"DISPLAY": display, "SDL_VIDEODRIVER": "x11"}
    # In memory, so that strace itself sends nothing to a disk.
    trace = Path("/dev/shm", f"{folder.name}-{os.getpid()}.trace")
    calls = ",".join((*WRITES, "seccomp", "connect"))
    # strace's own filter stops the show only at these calls. It does not report calls that the
    # show's filters refuse, which write nothing.
    tracer = [strace, "-f", "--seccomp-bpf", "-qq", "-e", f"trace={calls}", "-o", str(trace)]
    before, blocks_before = owned(user, home), _blocks()
    running = subprocess.Popen(
        # The memory of the show is closed to other programs of its user, strace as well.
        [*tracer, *as_user(user), sys.executable, *show],
        cwd=home,
        env=variables | ENVIRONMENT if leaking else variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert running.stdout is not None
    assert running.stderr is not None
    observed = Observation()
    try:
        for line in running.stderr:
            observed.stderr += line
            if line.startswith(b"camera:"):
                break
        assert line.startswith(b"camera:"), observed.stderr.decode(errors="replace")
        started = show_of(running.pid)
        # Without a guard there is no supervisor either.
        child = str(started if leaking else show_of(started))
        wrote_before = _write_bytes(child)
        if display and not leaking:
            with pytest.raises(subprocess.TimeoutExpired):
                running.wait(PLAYED_S)
        else:
            for line in running.stdout:
                observed.stdout += line
                if b"verdict" in line:
                    break
        observed.write_bytes = _write_bytes(child) - wrote_before
        os.kill(int(child), signal.SIGTERM)
        stdout, stderr = running.communicate(timeout=60)
    finally:
        running.kill()
        running.wait()
        traced = trace.read_text(errors="replace") if trace.exists() else ""
        trace.unlink(missing_ok=True)
    observed.stdout, observed.stderr = observed.stdout + stdout, observed.stderr + stderr
    observed.status = running.returncode
    observed.blocks = _blocks() - blocks_before
    supervisor = None if leaking else started
    descriptors = list(writes(traced, NAMED if leaking else SEALED, supervisor))
    observed.written_to, observed.wrote_after_seal = set(descriptors), 2 in descriptors
    if display:
        address = f"/tmp/.X11-unix/X{display[1:]}"
        # Without root's rights strace cannot read the address, but prints its length.
        form = rf'connect\((\d+), (?:.*{re.escape(address)}"|0x\w+, {3 + len(address)}\) = 0)'
        observed.display = {int(number) for number in re.findall(form, traced)}
    after = owned(user, home)
    for path in before.keys() | after.keys():
        if path != str(trace) and before.get(path) != after.get(path):
            observed.changed[path] = Path(path).read_bytes() if Path(path).is_file() else b""
    try:
        observed.received = listener.recv(1 << 16)
    except BlockingIOError:
        observed.received = b""
    listener.close()
    return observed


def _write_bytes(process: str) -> int:
    """Return the bytes that `process` sent to disks; 0 if only root may know."""
    try:
        counts = Path(f"/proc/{process}/io").read_text()
    except PermissionError:
        assert os.geteuid() != 0
        return 0
    return int(dict(line.split(": ") for line in counts.splitlines())["write_bytes"])


def _blocks() -> int:
    """Return how many blocks of 512 bytes the child processes that have ended sent to disks.

    An ordinary user may read this number, although not what belongs to the running show.
    """
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_oublock


def _on_a_disk(folder: Path) -> bool:
    """Return whether Linux counts bytes that are written to `folder` as written to a disk."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_oublock
    (folder / "probe").write_bytes(bytes(1 << 16))
    return resource.getrusage(resource.RUSAGE_SELF).ru_oublock > before


def assert_nothing_left(observed: Observation) -> None:
    """Fail if a part of a frame went anywhere but to the display."""
    assert observed.status == 0, observed.stderr.decode(errors="replace")
    assert observed.wrote_after_seal, "strace reports what is written after the seal"
    assert observed.written_to <= {1, 2} | observed.display
    assert observed.changed == {}
    assert not observed.received
    assert not holds_canary(observed.stdout + observed.stderr)
    assert observed.write_bytes == 0
    assert observed.blocks < FEW_BLOCKS


def assert_each_check_finds_its_leak(observed: Observation, folder: Path) -> None:
    """Fail if one of the checks above did not find the leak of a leaking show."""
    assert not observed.written_to <= {1, 2} | observed.display
    assert [path for path, data in observed.changed.items() if holds_canary(data)]
    assert holds_canary(observed.received)
    assert holds_canary(observed.stderr)
    if not _on_a_disk(folder):
        pytest.skip(f"{folder} is not on a disk, so nothing was sent to one; the other checks hold")
    assert observed.blocks >= FEW_BLOCKS
    assert observed.write_bytes > 0


@needs_guard
@pytest.mark.parametrize("user", USERS)
def test_nothing_of_a_frame_leaves_the_show(user: str, tmp_path: Path) -> None:
    """While it names a visitor, the show writes only to standard output and standard error."""
    observed = observe(user, tmp_path, leaking=False)
    assert b"verdict" in observed.stdout, observed.stderr.decode(errors="replace")
    assert_nothing_left(observed)


@pytest.mark.parametrize("user", USERS)
def test_each_check_finds_its_leak(user: str, tmp_path: Path) -> None:
    """The control: each check finds the leak of a show that leaks without the guard."""
    observed = observe(user, tmp_path, leaking=True)
    assert b"verdict" in observed.stdout, observed.stderr.decode(errors="replace")
    assert_each_check_finds_its_leak(observed, tmp_path)


@needs_guard
@pytest.mark.parametrize("user", USERS)
def test_pictures_go_only_to_the_window(user: str, display: str, tmp_path: Path) -> None:
    """A show with a window writes only to the display and to standard output and error."""
    observed = observe(user, tmp_path, leaking=False, display=display)
    assert observed.display & observed.written_to, observed.stderr.decode(errors="replace")
    assert_nothing_left(observed)


def test_a_leak_beside_the_window_is_found(display: str, tmp_path: Path) -> None:
    """The control: what a show with a window writes elsewhere, without the guard, is found.

    This is tested for one user, because the controls above run the same checks for both.
    """
    observed = observe(USERS[-1], tmp_path, leaking=True, display=display)
    assert observed.display & observed.written_to, observed.stderr.decode(errors="replace")
    assert_each_check_finds_its_leak(observed, tmp_path)


def played(home: Path, *arguments: str, **session: str) -> tuple[str, dict[str, object], list[str]]:
    """Play the rehearsal for `PLAYED_S` in a window of `session`; return what it left.

    Returns the log, the summary, and the shared memory segments that the show and its card had.
    """
    variables = {k: v for k, v in environment(home).items() if k != "SDL_VIDEODRIVER"}
    running = subprocess.Popen(
        [sys.executable, "-m", "installation", "run", "--source", "rehearsal", *arguments],
        cwd=home,
        env=variables | session,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert running.stderr is not None
    log = ""
    for line in running.stderr:
        log += line
        if line.startswith("camera:"):
            break
    with pytest.raises(subprocess.TimeoutExpired):
        running.wait(PLAYED_S)
    children = Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text().split()
    assert children
    shared = [segment for child in children for segment in segments_of(int(child))]
    running.send_signal(signal.SIGTERM)
    output, rest = running.communicate(timeout=60)
    assert running.returncode == 0, log + rest
    return log + rest, json.loads(output.splitlines()[-1]), shared


@needs_guard
def test_the_show_reaches_an_x_server_under_the_guard(display: str, tmp_path: Path) -> None:
    """A window that is opened before stage two is still painted after it."""
    home = home_of("root", tmp_path)
    log, summary, shared = played(home, "--windowed", "1280x720", DISPLAY=display)
    assert "screen: display 0 through x11, 1280×720" in log
    assert "privacy: enforced; " in log
    assert summary["event"] == "summary"
    assert summary["mirror_fps"]
    assert not shared


@needs_guard
def test_a_show_on_a_wayland_compositor_without_a_graphics_card_is_whole(tmp_path: Path) -> None:
    """Under Wayland, without OpenGL, the guarded show paints its first card and the mirror.

    It is ended by a signal after it has played, because on a slow machine it starts late.
    """
    with compositor() as session:
        log, summary, _ = played(home_of("root", tmp_path), **session)
    assert "Traceback" not in log
    assert "screen: display 0 through wayland, 640×360, fullscreen" in log
    assert "privacy: enforced; " in log
    assert summary["event"] == "summary"
    assert summary["first_paint_s"]
    assert summary["mirror_fps"]


def segments_of(pid: int) -> list[str]:
    """Return the System V shared memory segments that the process `pid` has made."""
    listed = Path("/proc/sysvipc/shm").read_text().splitlines()
    made_by = listed[0].split().index("cpid")
    return [line for line in listed[1:] if line.split()[made_by] == str(pid)]


def test_shared_memory_would_be_found() -> None:
    """The control: shared memory that every account could attach is found."""
    library, private, remove = ctypes.CDLL(None), 0, 0
    segment = library.shmget(private, 4096, 0o1600)
    try:
        assert len(segments_of(os.getpid())) == 1
    finally:
        library.shmctl(segment, remove, None)
