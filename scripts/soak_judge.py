"""Judges how the show in a soak reacts to faults of the display, of files and of the clock.

Times in "seconds of the day" are measured by the clock of the simulated day (`soak_day.DayClock`).
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable, Iterable

from installation.naming.reading.values import Sightings
from installation.show.privacy_line import FIRST_DAY
from installation.showing.placement import COVERED_S
from installation.showing.scene import Scene, Size
from installation.showing.type.typesetting import ScreenContext
from installation.showing.words import Words
from scripts.soak_day import FILE_FAULTS, SCREEN_FAULTS, Day, DayClock, Fault
from scripts.soak_world import DayProof, World

FITS_S = 6.0
"""How long the picture may have another size than the display, in seconds of the day. The show
reads the display's size once a second. When it has read a new size twice, it waits for four
seconds, and then opens a new window.
"""
TOLD_S = 5.0
"""How long it may take until the staff's card says that a file is wrong, in seconds of the day. The
show checks once a second whether a file has changed. It reads the changed file when the next check
finds no further change. Reading a label set takes up to a second on a busy machine.
"""
STATED_S = 2.0
"""How long the privacy line may be wrong after the clock was set, in seconds of the day."""

FRONT_S = 4.0
"""If another window covers the show's window, the show's window must come in front of it within
`COVERED_S` + `FRONT_S`, s.
"""

SIGNS = {
    "turned": "the window is moved there",
    "late monitor": "the window is moved there",
    "display off": "is unplugged or off",
    "settings wrong": "has mistakes now",
    "settings changed": "uses it from its next start",
    "labels wrong": "the show uses the last valid set",
    "labels changed": "The new version will be used",
}
"""What the log must say because of a fault."""


class WorldJudge:
    """Judges each scene of one process of the show."""

    def __init__(
        self, day: Day, clock: DayClock, world: World, mistake: Callable[[str, float], None]
    ) -> None:
        """Judge by what `world` knows; `mistake` is called with each mistake and its instant."""
        self._day = day
        self._clock = clock
        self._world = world
        self._mistake = mistake
        self._lines: list[tuple[float, str]] = []
        self._wrong_since: dict[str, float] = {}
        self._fits = False
        self._tells: bool | None = None
        """Whether the staff's card mentions the newest fault of kiosk.yaml or of the label set;
        None if the card is not on the screen.
        """
        self._untold: Fault | None = None
        self._label_count: int | None = None

    def log(self, line: str) -> None:
        """Note a line of the show's log."""
        self._lines.append((self._clock.now(), line))

    def look(
        self,
        scene: Scene,
        sightings: Sightings | None,
        size: Size,
        context: ScreenContext,
        proof: DayProof | None,
    ) -> None:
        """Judge `scene`, which was made from `sightings` and `context` for a window of `size` px.

        `proof` is the result of the self-test, or None if the self-test has not run yet. The
        privacy line states the time of the self-test.
        """
        now = self._clock.now()
        self._fits = size == context.size == self._world.monitors.size(now)
        self._allow("the picture has another size than the display", FITS_S, self._fits, now)
        if proof is not None:
            said = self._says_the_time(context.words, proof, now)
            self._allow("the privacy line states a wrong time", STATED_S, said, now)
        if sightings is not None:
            self._label_count = len(sightings.label_set.labels)
        if (fault := self._file_fault(now)) is not None:
            self._judge_card(scene, context.words, fault, now)

    def _allow(self, problem: str, seconds: float, is_right: bool, now: float) -> None:
        """Report `problem` once it has lasted for longer than `seconds`.

        If `is_right`, the problem does not exist at the instant `now`, and the time that it has
        lasted is zero again.
        """
        if is_right:
            self._wrong_since.pop(problem, None)
        elif now - self._wrong_since.setdefault(problem, now) > seconds:
            self._wrong_since[problem] = math.inf
            self._mistake(problem, now)

    def _says_the_time(self, words: Words, proof: DayProof, now: float) -> bool:
        """Return whether the privacy line states when the self-test ran, by what the clock shows.

        If the clock shows a date before `FIRST_DAY`, so that it is certainly wrong, the line must
        state no time.
        """
        assert proof.tested_at_s is not None
        shown = self._world.wall.shown(now)
        today = datetime.datetime.fromtimestamp(shown).date()
        # The proof's time is rounded to seconds.
        tested = {
            datetime.datetime.fromtimestamp(shown - (now - proof.tested_at_s) + more)
            for more in (-1.0, 0.0, 1.0)
        }
        line = words.privacy
        if today < FIRST_DAY:
            return line == words.privacy_undated
        return any(
            words.time_of(at) in line if at.date() == today else words.date_of(at.date()) in line
            for at in tested
        )

    def _file_fault(self, now: float) -> Fault | None:
        """Return the file fault that began last; None if all that have begun are over."""
        begun = [f for f in self._day.faults if f.begins_at <= now and f.name in FILE_FAULTS]
        return begun[-1] if begun and self._world.wants_card() else None

    def _judge_card(self, scene: Scene, words: Words, fault: Fault, now: float) -> None:
        seen = _joined(line.text for panel in scene.panels for line in panel.lines)
        if _joined([words.staff_title]) not in seen:
            self._tells = None
            return
        told = {
            "settings wrong": (words.staff_file_wrong, "kiosk.yaml:"),
            "settings changed": (words.staff_settings_changed, "kiosk.yaml"),
            "labels wrong": (words.staff_file_wrong, words.staff_labels),
            "labels changed": (),
        }[fault.name]
        self._tells = bool(told) and all(_joined([text]) in seen for text in told)
        is_due = bool(told) and fault.begins_at + TOLD_S <= now < fault.ends_at
        if is_due and not self._tells and fault != self._untold:
            self._untold = fault
            self._mistake(f"the staff's card does not tell of '{fault.name}' ({fault})", now)

    def is_as_before(self, fault: Fault, now: float) -> bool:
        """Return whether the screen no longer shows an effect of `fault`.

        For the fault `labels changed`, return whether the changed labels are in use.
        """
        if fault.name in SCREEN_FAULTS:
            return self._fits
        if fault.name == "labels changed":
            return self._label_count == self._world.files.label_count(now)
        return fault.name not in FILE_FAULTS or self._tells is False

    def judge_end(self, fault: Fault, now: float) -> None:
        """Report what the show should have done because of `fault` and did not.

        The show has recovered from `fault` at the instant `now`.
        """
        sign = SIGNS.get(fault.name)
        lines = [line for at, line in self._lines if at >= fault.begins_at]
        if sign is not None and not any(sign in line for line in lines):
            self._mistake(f"the log does not say '{sign}' ({fault})", now)
        self._lines.clear()
        if fault.name == "display server" and self._world.has_lost_server:
            self._mistake(
                "the display server has ended, but the show still uses its lost display", now
            )
        if fault.name == "covered":
            after_s = self._world.monitors.in_front_after_s
            if after_s is None or not COVERED_S - 1 <= after_s <= COVERED_S + FRONT_S:
                self._mistake(f"the show came in front of another window after {after_s} s", now)


def _joined(texts: Iterable[str]) -> str:
    """Return `texts` joined without spaces, so that it does not matter where their lines break."""
    return "".join("".join(texts).split())
