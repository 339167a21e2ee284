from __future__ import annotations

import itertools
import json
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pygame
import pytest

from installation import launch
from installation.errors import GuardError, Mistake
from installation.guarding.guard import Guard
from installation.guarding.self_test import Proof
from installation.guarding.stage_one import present_devices, show_environment
from installation.guarding.status import ENVIRONMENT_VARIABLE, SandboxStatus
from installation.naming.label_set.load import load_label_set
from installation.running.clock import Clock
from installation.settings.kiosk import ContentSettings, Settings
from installation.settings.yaml_file import Loaded
from installation.show.mirror import open_context
from installation.show.parts import Log, Parts
from installation.show.show import CARD_S, Show
from installation.showing.cards import unguarded_card
from installation.showing.painter import Painter
from installation.showing.window import OffScreen, Window
from tests.support.children import USERS, environment, home_of, needs_guard, run
from tests.support.manual_clock import ManualClock

MISSING = Mistake("Landlock", "it cannot be had here", "Take a newer Linux.")
RUN = "import sys; from installation.cli.main import main; sys.exit(main(sys.argv[1:]))"
ARGUMENTS = ("run", "--headless", "--source", "rehearsal", "--seconds", "90")


def test_without_its_launcher_the_show_opens_no_camera(tmp_path: Path) -> None:
    """A show that was started past the first stage ends with exit 2 and names what is missing."""
    outcome = run("-c", RUN, *ARGUMENTS, user=USERS[0], folder=tmp_path)
    assert outcome.returncode == 2
    assert outcome.stderr.splitlines()[-1].startswith("stage one: the show was started")
    assert "camera:" not in outcome.stderr


def test_a_show_that_is_lied_to_finds_out(tmp_path: Path) -> None:
    """Where somebody claims that all layers stand, attempts get through, and no camera opens."""
    home_of(USERS[0], tmp_path)
    lie = SandboxStatus("enforce", scratch_dir=str(tmp_path / "home"))
    program = f"import os; os.environ[{ENVIRONMENT_VARIABLE!r}] = {lie.to_json()!r}\n{RUN}"
    outcome = run("-c", program, *ARGUMENTS, user=USERS[0], folder=tmp_path)
    assert outcome.returncode == 2
    assert "probe 'create a file': not refused in the main thread" in outcome.stderr
    assert "camera:" not in outcome.stderr


def never(loaded: Loaded[Settings], clock: Clock, log: Log) -> Parts:
    """Fail: the show must not come to this."""
    raise AssertionError("nothing is loaded where the guard is missing")


def test_the_card_names_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Visitors see a calm card with it for a while, and nothing of the show is loaded."""
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    clock = ManualClock()
    window = Window(0, (640, 360))
    closed = Show(
        Loaded(Settings(), "kiosk.yaml", {}, {}),
        window,
        started_at=clock.now(),
        log=lambda line: None,
        emit=lambda event: None,
        open_parts=never,
        clock=clock,
        guard=Guard(SandboxStatus("enforce", (MISSING,))),
    )
    with pytest.raises(GuardError, match="Landlock: it cannot be had here"):
        closed.run()
    assert sum(clock.waits) >= CARD_S
    shown = pygame.surfarray.array3d(window.surface)
    stage = open_context(window, Settings())
    Painter(stage.fonts).paint(unguarded_card(stage, [MISSING.where]), window.surface)
    assert np.array_equal(shown, pygame.surfarray.array3d(window.surface))
    window.close()


def test_degraded_says_what_is_missing_and_goes_on() -> None:
    """`privacy: degraded` names each missing layer at the start and promises less."""
    said: list[str] = []
    label_set = load_label_set("kindnesses", ContentSettings())

    class Unguarded(Guard):
        """A guard on a machine that has no layer."""

        def seal(self) -> Proof:
            raise StopIteration

    degraded = Show(
        Loaded(Settings(privacy="degraded"), "kiosk.yaml", {}, {}),
        OffScreen((320, 180)),
        started_at=0.0,
        log=said.append,
        emit=lambda event: None,
        open_parts=lambda loaded, clock, log: Parts(label_set, *[None] * 6),  # type: ignore[arg-type]
        guard=Unguarded(SandboxStatus("degraded", (MISSING,))),
    )
    with pytest.raises(StopIteration):
        degraded.run()
    assert said == [f"privacy: not enforced. {MISSING}"]


@pytest.mark.parametrize(
    ("text", "privacy"),
    [
        ("privacy: degraded\n", "degraded"),
        ("privacy: enforce\n", "enforce"),
        ("labels: persons\n", "enforce"),
        ("privacy: degradd\n", "enforce"),
        ("privacy: [degraded\n", "enforce"),
        ("camera: {privacy: degraded}\n", "enforce"),
        ("- privacy: degraded\n", "enforce"),
        ("[" * 5000, "enforce"),
        ("", "enforce"),
    ],
)
def test_only_a_plain_word_weakens_the_guard(text: str, privacy: str, tmp_path: Path) -> None:
    """The launcher takes a file that is missing, wrong or silent for one that says enforce."""
    file = tmp_path / "kiosk.yaml"
    assert launch.privacy_of(file) == "enforce"
    file.write_text(text)
    assert launch.privacy_of(file) == privacy


def test_what_the_launcher_leaves_arrives() -> None:
    """What is missing crosses to the show as it was said."""
    status = SandboxStatus(
        "enforce", (MISSING,), "/ground", ("/dev/null",), 5, 6, (7, 8), (7,), 1.5
    )
    assert SandboxStatus.from_environment({ENVIRONMENT_VARIABLE: status.to_json()}) == status
    assert SandboxStatus.from_environment({}) is None


def test_the_launcher_loads_the_standard_library_and_yaml(tmp_path: Path) -> None:
    """Before the first stage nothing is imported that might start a thread."""
    program = (
        "import sys; before = set(sys.modules); import installation.launch, yaml; "
        "from installation.guarding import output_filter; "
        "from installation.guarding.layers import landlock, limits, seccomp; "
        "import os; print(len(os.listdir('/proc/self/task')), *{name.partition('.')[0] "
        "for name, module in sys.modules.items() if module and name not in before} "
        "- set(sys.stdlib_module_names))"
    )
    outcome = run("-c", program, user=USERS[0], folder=tmp_path)
    threads, *names = outcome.stdout.split()
    assert threads == "1"
    assert {name for name in names if "cython" not in name} <= {"installation", "yaml", "_yaml"}


SWITCHED_OFF = {
    # What each would do otherwise, during the start or in the midst of the show.
    "DBUS_SESSION_BUS_ADDRESS": "unix:path=/nonexistent",  # SDL starts a daemon
    "MESA_SHADER_CACHE_DISABLE": "true",  # Mesa writes compiled shaders into the home folder
    "MESA_GLSL_CACHE_DISABLE": "true",  # so do its older versions
    "__GL_SHADER_DISK_CACHE": "0",  # so does NVIDIA's OpenGL
    "CUDA_CACHE_DISABLE": "1",  # CUDA writes compiled kernels there
    "USE_PYTORCH_KERNEL_CACHE": "0",  # and so does PyTorch
    "PYTHONDONTWRITEBYTECODE": "1",  # Python writes beside its modules
    "TORCH_COMPILE_DISABLE": "1",  # a compiler is started whenever shapes change
    "TORCHINDUCTOR_CACHE_DIR": "/",  # torch makes a folder when it is imported
    "HF_HUB_OFFLINE": "1",  # weights are looked for on the network
}
"""What must be in the environment of the show, whatever is in the user's."""


def test_nothing_that_writes_is_left_switched_on() -> None:
    """Caches on disk and compilers at run time are off, and the display's driver is named."""
    chosen = show_environment(dict.fromkeys(SWITCHED_OFF, "otherwise") | {"DISPLAY": ":0"})
    assert {name: chosen[name] for name in SWITCHED_OFF} == SWITCHED_OFF
    assert chosen["SDL_VIDEODRIVER"] == "x11"
    assert (
        show_environment({"SDL_VIDEODRIVER": "dummy", "DISPLAY": ":0"})["SDL_VIDEODRIVER"]
        == "dummy"
    )
    assert "SDL_VIDEODRIVER" not in show_environment({})


def test_devices_are_allowed_by_name() -> None:
    """Of /dev only character devices that the show needs are allowed, never a folder."""
    names = [str(path) for path in present_devices()]
    assert "/dev/null" in names
    assert all(Path(name).is_char_device() for name in names)
    assert "/dev/ptmx" not in names


@needs_guard
def test_output_to_files_is_written_outside(tmp_path: Path) -> None:
    """`kiosk run > events.jsonl` works, though the show itself can write no file."""
    home = home_of("root", tmp_path)
    with (home / "events").open("wb") as events, (home / "log").open("wb") as log:
        ended = subprocess.run(
            [sys.executable, "-m", "installation", *ARGUMENTS[:-1], "3"],
            cwd=home,
            env=environment(home),
            stdout=events,
            stderr=log,
            timeout=60,
            check=False,
        )
    assert ended.returncode == 0
    assert json.loads((home / "events").read_text().splitlines()[-1])["event"] == "summary"
    assert "screen:" in (home / "log").read_text()


OLD_KERNEL = """
import errno, sys, time
from installation.guarding import stage_one
from installation.guarding.layers import landlock, seccomp
landlock.set_no_new_privileges()
seccomp.install(
    [seccomp.Refusal("landlock_create_ruleset", error=errno.ENOSYS)], all_threads=False
)
stage_one.start_show(sys.argv[2:], sys.argv[1], None, time.monotonic())
"""


LACKS = (
    "Landlock: not available on this machine (Function not implemented). Use Linux 6.12 or newer"
)


def test_a_kernel_without_landlock(tmp_path: Path) -> None:
    """An older Linux opens no camera, and says what is missing."""
    outcome = run("-c", OLD_KERNEL, "enforce", *ARGUMENTS, user=USERS[0], folder=tmp_path)
    assert outcome.returncode == 2
    assert outcome.stderr.splitlines()[-1].startswith(LACKS)
    assert "camera:" not in outcome.stderr


def test_a_kernel_without_landlock_where_the_curator_lets_it(tmp_path: Path) -> None:
    """`privacy: degraded` runs there, and says of each layer and each attempt what it is."""
    home = home_of("root", tmp_path)
    running = subprocess.Popen(
        [sys.executable, "-c", OLD_KERNEL, "degraded", *ARGUMENTS[:-2]],
        cwd=home,
        env=environment(home),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert running.stderr is not None
    lines = iter(running.stderr.readline, "")
    said = "".join(itertools.takewhile(lambda line: not line.startswith("camera:"), lines))
    running.send_signal(signal.SIGTERM)
    _, rest = running.communicate(timeout=60)
    assert running.returncode == 0, said + rest
    assert f"privacy: not enforced. {LACKS}" in said
    assert "not enforced. probe 'create a file': not refused" in said
    assert "privacy: enforced" not in said
