"""The health of a real show reveals nothing about people who come and go, or their frames."""

from __future__ import annotations

import base64
import itertools
import json
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast

import cv2
import numpy as np
import pytest

from installation.running.health import (
    AGE_STEPS_MS,
    FAULTS,
    MEMORY_STEP_MB,
    RATE_STEP,
    VERDICT_STEP,
    Health,
)
from installation.running.progress import DeviceKind, State
from tests.support.children import USERS, as_user, environment, home_of, needs_guard, run
from tests.support.drawn_film import portrait

pytestmark = pytest.mark.slow

MINUTE_S = 3.0
"""The length of the health's minute in this test, s; people come every ten seconds."""

SHOW = f"""
import sys
from installation.running import health
health.PERIOD_S, health.SNAPSHOT_S = {MINUTE_S}, 1.0
from installation import launch
launch.isolate = lambda _: None  # Another program would not have these times.
sys.argv = ["kiosk", *sys.argv[1:]]
launch.start()
"""

ASK = """
import json, sys, time
from pathlib import Path
from installation.running.status_socket import ask
while not Path(sys.argv[1]).exists():
    time.sleep(0.05)
while True:
    answer = [time.monotonic(), ask(Path(sys.argv[1])), time.monotonic()]
    print(json.dumps(answer), flush=True)
    time.sleep(0.1)
"""

SETTINGS = """\
labels: kindnesses
camera: {width: 640, height: 360}
reading: {announce_s: 0, acknowledged: "This is a test, and nobody stands there."}
"""

ROW = np.random.default_rng(20261130).integers(0, 256, (640, 3), np.uint8)
"""The pattern that each row of each frame has at its upper edge, RGB."""


def picture(*, with_visitor: bool) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """Return a frame with the pattern, and perhaps with somebody before it."""
    pixels = np.broadcast_to(ROW, (360, 640, 3)).copy()
    if with_visitor:
        pixels[40:360, 160:480] = cv2.resize(portrait(), (320, 320))
    return pixels


def forms_of_pattern() -> Iterator[tuple[str, str]]:
    """Yield parts of the pattern as text, each with the name of its form.

    As RGB and as BGR.
    """
    for row in (ROW, ROW[:, ::-1]):
        raw = row.tobytes()
        for part in (raw[i : i + 12] for i in range(0, len(raw) - 12, 3)):
            yield "characters", part.decode("latin-1")
            yield "bytes in UTF-8", part.decode(errors="surrogateescape")
            yield "bytes in Python", repr(part)[2:-1]
            yield "hexadecimal", part.hex()
            yield "base64", base64.b64encode(part).decode()
            yield "numbers", ", ".join(map(str, part))


def text_of(told: object) -> str:
    """Return all words and numbers of an answer, without what JSON writes in other characters."""
    if isinstance(told, dict):
        return text_of([*told.keys(), *told.values()])
    return ", ".join(map(text_of, told)) if isinstance(told, list) else str(told)


def forms_in(answers: Sequence[object], printed: str) -> set[str]:
    """Return the names of the forms in which part of the pattern is in `answers` or `printed`."""
    told = text_of([*answers, printed])
    return {name for name, form in forms_of_pattern() if form in told}


@dataclass(frozen=True)
class Asked:
    """What a user of the machine could read while people came and went."""

    answers: list[tuple[float, dict[str, object], float]]
    """Each answer between the instants of its question and of its arrival, s, monotonic."""
    events: list[tuple[float, dict[str, object]]]
    """Each event of the show, which only its own standard output has, with its instant."""
    printed: str
    """What `kiosk status` printed in its three forms."""


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Asked:
    """Run a show whose frames contain `ROW`, and ask for its status ten times a second.

    Another user asks.
    """
    folder = tmp_path_factory.mktemp("asked")
    home = home_of("root", folder)
    for parent in (home, folder):
        parent.chmod(0o755)
    pictures = home / "pictures"
    pictures.mkdir()
    for name, with_visitor in (("1.png", True), ("2.png", False)):
        cv2.imwrite(str(pictures / name), picture(with_visitor=with_visitor)[:, :, ::-1])
    (home / "kiosk.yaml").write_text(SETTINGS, encoding="utf-8")
    arguments = ("run", "kiosk.yaml", "--headless", "--source", str(pictures))
    log = folder / "log"
    with log.open("w") as stderr:
        show = subprocess.Popen(
            [sys.executable, "-c", SHOW, *arguments],
            cwd=home,
            env=environment(home) | {"RUNTIME_DIRECTORY": str(home)},
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        )
    events: list[tuple[float, dict[str, object]]] = []
    seen_enough = threading.Event()

    def read_events() -> None:
        for line in cast("list[str]", show.stdout):
            events.append((time.monotonic(), json.loads(line)))
            if sum(event["event"] == "left" for _, event in events) >= 3:
                seen_enough.set()

    reader = threading.Thread(target=read_events, daemon=True)
    reader.start()
    other = USERS[-1]
    answered = folder / "answers"  # More than a pipe holds.
    with answered.open("w") as stdout:
        asking = subprocess.Popen(
            [*as_user(other), sys.executable, "-c", ASK, str(home / "status")],
            env=environment(home),
            stdout=stdout,
        )
    try:
        assert seen_enough.wait(90), (events, log.read_text())
        printed = "".join(
            run(
                *("-m", "installation", "status", "--socket", str(home / "status"), *form),
                user=other,
                folder=tmp_path_factory.mktemp("other"),
            ).stdout
            for form in ((), ("--json",), ("--prometheus",))
        )
    finally:
        asking.terminate()
        show.send_signal(signal.SIGTERM)
        asking.wait(60)
        show.wait(60)
        reader.join(60)
        assert show.stdout is not None
        show.stdout.close()
    assert show.returncode == 0, log.read_text()
    answers = [json.loads(line) for line in answered.read_text().splitlines()[:-1]]
    return Asked([(at, answer, came_at) for at, answer, came_at in answers], events, printed)


@pytest.mark.parametrize("is_printed", [False, True], ids=["answer", "printed"])
@pytest.mark.parametrize("name", dict(forms_of_pattern()))
def test_a_part_of_a_frame_is_found_in_each_form(name: str, is_printed: bool) -> None:
    """`forms_in` finds each form of the pattern, in printed text and in an answer sent as JSON."""
    form = next(form for each, form in forms_of_pattern() if each == name)
    told = form if is_printed else json.loads(json.dumps({"state": "running", "version": form}))
    assert name in (forms_in([], told) if is_printed else forms_in([told], ""))


def test_a_part_of_a_frame_is_found_among_numbers() -> None:
    """Neighbouring numbers of an answer are compared with those of the pattern."""
    told = {"rates": ROW[4:8].ravel().tolist(), "memory_mb": 100}
    assert forms_in([json.loads(json.dumps(told))], "") == {"numbers"}


@needs_guard
def test_no_answer_carries_anything_of_a_frame_or_a_verdict(asked: Asked) -> None:
    """Neither the pattern of the frames nor a word about a visitor is in any form of the status."""
    answers = [answer for _, answer, _ in asked.answers]
    told = text_of([*answers, asked.printed])
    assert len(asked.answers) > 50
    assert forms_in(answers, asked.printed) == set()
    verdicts = [event for _, event in asked.events if event["event"] == "verdict"]
    assert len(verdicts) >= 2
    for verdict in verdicts:
        assert not any(str(verdict[key]) in told for key in ("label", "definition"))


@needs_guard
def test_each_figure_is_coarse_and_each_word_from_a_fixed_list(asked: Asked) -> None:
    """The status has only figures with fixed names and words from fixed lists."""
    words = {state.name.lower() for state in State} | {"on", "slow", "off"} | {*FAULTS}
    words |= {kind.name.lower().replace("_", " ") for kind in DeviceKind}
    names = Health("0", 0.0).snapshot(0.0).keys()
    for _, answer, _ in asked.answers:
        assert answer.keys() == names
        version = answer.pop("version")
        assert re.fullmatch(r"[\d.]+\w*", str(version))
        faults = cast("list[dict[str, object]]", answer["last_faults"])
        texts = [each["fault"] for each in faults] + list(
            cast("list[str]", answer["camera_faults"])
        )
        texts += [each for each in answer.values() if isinstance(each, str)]
        assert {*texts} <= words
        for rate in (answer["camera_fps"], answer["mirror_fps"]):
            assert (
                rate is None or cast(int, rate) < 2 * RATE_STEP or not cast(int, rate) % RATE_STEP
            )
        assert answer["frame_age_ms"] in (None, *AGE_STEPS_MS)
        assert not cast(int, answer["verdicts"]) % VERDICT_STEP
        assert not cast(int, answer["memory_mb"] or 0) % MEMORY_STEP_MB
        answer["version"] = version


@needs_guard
def test_nobody_can_be_followed_by_what_changes(asked: Asked) -> None:
    """No figure changes because somebody comes or leaves, even if it is read ten times a second.

    The figures change only when a minute ends, which no visitor influences, and the steps of the
    count of verdicts are ten times larger than the number of visitors.
    """
    figures = [
        (
            at,
            {name: each for name, each in answer.items() if name not in ("state", "last_faults")},
            came_at,
        )
        for at, answer, came_at in asked.answers
        if answer["camera_fps"] is not None
    ]
    changed = [
        (asked_at, came_at)
        for (asked_at, before, _), (_, after, came_at) in itertools.pairwise(figures)
        if before != after
    ]
    came_or_went = [at for at, event in asked.events if figures[0][0] < at < figures[-1][0]]
    assert len(came_or_went) >= 4, "people came and went while somebody asked"
    # The answer stays the same for another second after the minute, so changes are at least two
    # seconds apart, however many visitors came, were named or left. Questions and answers may be
    # late on a busy machine, so the time counts from the last question before a change to the
    # arrival of the answer that shows the next one.
    assert all(
        came_at - asked_at > MINUTE_S - 1.0
        for (asked_at, _), (_, came_at) in itertools.pairwise(changed)
    )
    told = [cast(int, answer["verdicts"]) for _, answer, _ in figures]
    verdicts = sum(event["event"] == "verdict" for _, event in asked.events)
    assert verdicts < VERDICT_STEP
    assert told[-1] - told[0] in (0, VERDICT_STEP)
    assert sorted(told) == told
