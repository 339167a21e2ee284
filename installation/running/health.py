"""The figures of the kiosk's health that every user of the machine may read.

They are rates, restarts and faults, and may reveal nothing about a visitor. So every figure that
depends on people is made coarse before it leaves this module:

- figures are computed for a whole minute, and do not change until the next minute is over;
- verdicts are counted from a random start, and the count is rounded down to a multiple of ten, so
  a person who counts visitors cannot tell which visitor made the count rise;
- the analysis is slower while it classifies people, so it is only reported as "on", "slow" or
  "off";
- the frame's age, memory and rates are rounded to steps larger than the effect of a visitor.
"""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from installation.running.progress import CameraFault, DeviceKind, Progress, State

PERIOD_S = 60.0
"""The time between two lines in the log that report the health, s."""

SNAPSHOT_S = 10.0
"""The least time between two changes of the reported figures, s."""

VERDICT_STEP = 10
"""The reported number of verdicts is a multiple of this number."""

AGE_STEPS_MS = (50, 100, 200, 500, 1000, 5000)
"""The upper bounds that are reported instead of a frame's age, ms."""

RATE_STEP = 5
"""Rates of ten or more a second are rounded to multiples of this number; lower rates are rounded to
whole numbers.
"""

MEMORY_STEP_MB = 100

MAX_FAULTS = 10
"""The largest number of faults that are remembered."""

FAULTS = (
    *("ended", "crashed", "refused", "killed", "screen stalled", "capture stalled"),
    *("analysis stalled", "start stalled", "witness", "camera lost", "camera stalled"),
    *("camera frozen", "camera black", "camera overexposed", "camera torn", "camera size"),
    *("camera slow", "camera controls", "camera rate", "analysis failed", "output filter ended"),
)
"""The names that a fault may have."""

_FAULT_OF_CAMERA = {
    CameraFault.FROZEN: "camera frozen",
    CameraFault.BLACK: "camera black",
    CameraFault.OVEREXPOSED: "camera overexposed",
    CameraFault.TORN: "camera torn",
    CameraFault.OTHER_SIZE: "camera size",
    CameraFault.SLOW: "camera slow",
    CameraFault.CONTROLS: "camera controls",
    CameraFault.LOW_RATE: "camera rate",
}
_FAULT_OF_STATE = {State.LOST: "camera lost", State.STALLED: "camera stalled"}

THERMAL_ZONES = Path("/sys/class/thermal")


@dataclass(frozen=True)
class Minute:
    """The coarse figures of one minute; None if a figure was not measured."""

    camera_fps: int | None = None
    mirror_fps: int | None = None
    frame_age_ms: int | None = None
    """An upper bound of the time from the arrival of a frame to the flip that shows it."""
    analysis: str = "off"
    verdicts: int = 0
    """The number of verdicts (labels given to visitors, and visitors for whom no label was certain
    enough) since the supervisor started, rounded as the module's docstring describes.
    """
    skipped: int = 0
    """The number of damaged or missing pictures since the supervisor started."""
    memory_mb: int | None = None
    threads: int | None = None
    descriptors: int | None = None
    temperature_c: int | None = None


class Health:
    """Collects the figures of the show, and reports them minute by minute."""

    def __init__(
        self,
        version: str,
        now: float,
        *,
        offset: int | None = None,
        temperature: Callable[[], int | None] | None = None,
    ) -> None:
        """Start measuring at the instant `now`, s.

        `version` is the version of the kiosk. `offset` is added to the number of verdicts before
        it is rounded (None: a random number from 0 to 9). `temperature` returns the machine's
        temperature, °C.
        """
        self._version = version
        self._began_at = self._minute_began_at = now
        self._offset = secrets.randbelow(VERDICT_STEP) if offset is None else offset
        self._temperature = temperature or machine_temperature
        self._show = Progress()
        """The newest figures of the running show."""
        self._at_minute = Progress()
        self._ended = Progress()
        """The numbers of verdicts and of skipped pictures, summed over all ended shows."""
        self._oldest_ms = 0
        self._minute_counts = {"captured": 0, "mirrored": 0, "analysed": 0}
        self._faults: deque[tuple[str, float]] = deque(maxlen=MAX_FAULTS)
        self._snapshot: dict[str, object] | None = None
        self._snapshot_at = now
        self.restarts = 0
        self.minute = Minute()
        """The figures of the last whole minute."""

    def update(self, progress: Progress, now: float) -> None:
        """Store the newest figures of the show."""
        before, counts = self._show, self._minute_counts
        counts["captured"] += max(0, progress.captured - before.captured)
        counts["mirrored"] += max(0, progress.mirrored - before.mirrored)
        counts["analysed"] += max(0, progress.analysed - before.analysed)
        self._oldest_ms = max(self._oldest_ms, progress.frame_age_ms)
        self._note_faults(progress, now)
        self._show = progress

    def show_ended(self) -> None:
        """Add the ended show's verdicts and skipped pictures to the sums.

        The next show counts from 0.
        """
        ended, show = self._ended, self._show
        self._ended = Progress(
            verdicts=ended.verdicts + show.verdicts, skipped=ended.skipped + show.skipped
        )
        self._show = Progress()

    def fault(self, name: str, now: float) -> None:
        """Remember the fault `name`, one of `FAULTS`, at the instant `now`."""
        assert name in FAULTS, f"a bug in kiosk: the fault {name} is not in FAULTS"
        self._faults.append((name, now))

    def _note_faults(self, progress: Progress, now: float) -> None:
        before = self._show
        if progress.state != before.state and progress.state in _FAULT_OF_STATE:
            self.fault(_FAULT_OF_STATE[State(progress.state)], now)
        for fault, name in _FAULT_OF_CAMERA.items():
            if progress.camera_faults & ~before.camera_faults & fault:
                self.fault(name, now)
        if progress.analysis_failures > before.analysis_failures:
            self.fault("analysis failed", now)

    def end_minute(self, now: float) -> bool:
        """Return whether the minute is over at the instant `now`; if so, compute its figures."""
        passed_s = now - self._minute_began_at
        if passed_s < PERIOD_S:
            return False
        show = self._show
        rates = {name: count / passed_s for name, count in self._minute_counts.items()}
        total = self._ended.verdicts + show.verdicts + self._offset
        self.minute = Minute(
            camera_fps=_rounded_rate(rates["captured"]),
            mirror_fps=_rounded_rate(rates["mirrored"]),
            frame_age_ms=_upper_bound(self._oldest_ms) if self._oldest_ms else None,
            analysis="on" if rates["analysed"] >= 1 else "slow" if rates["analysed"] else "off",
            verdicts=total // VERDICT_STEP * VERDICT_STEP,
            skipped=self._ended.skipped + show.skipped,
            memory_mb=_rounded_up(show.memory_mb, MEMORY_STEP_MB),
            threads=show.threads or None,
            descriptors=show.descriptors or None,
            temperature_c=self._temperature(),
        )
        self._minute_began_at, self._oldest_ms = now, 0
        self._minute_counts = dict.fromkeys(self._minute_counts, 0)
        return True

    def snapshot(self, now: float) -> dict[str, object]:
        """Return all figures, for JSON; they were collected at most `SNAPSHOT_S` before `now`.

        So a client that asks every second learns no more than one that asks every `SNAPSHOT_S`.
        """
        if self._snapshot is None or not 0 <= now - self._snapshot_at < SNAPSHOT_S:
            self._snapshot, self._snapshot_at = self._gather(now), now
        return self._snapshot

    def _gather(self, now: float) -> dict[str, object]:
        show = self._show
        return {
            "version": self._version,
            "state": State(show.state).name.lower(),
            "up_minutes": int((now - self._began_at) // 60),
            "restarts": self.restarts,
            "device": DeviceKind(show.device).name.lower().replace("_", " "),
            "camera_faults": [
                name for fault, name in _FAULT_OF_CAMERA.items() if show.camera_faults & fault
            ],
            **asdict(self.minute),
            "last_faults": [
                {"fault": name, "minutes_ago": int((now - at) // 60)} for name, at in self._faults
            ],
        }

    def line(self, now: float) -> str:
        """Return the health as one line for the log."""
        return "health: " + as_text(self.snapshot(now), ", ")


def as_text(snapshot: Mapping[str, object], separator: str = "\n") -> str:
    """Return the health as text for people, with `separator` between two figures.

    Before the first minute is over, a sentence replaces the figures that are computed each minute.
    """
    faults = snapshot.get("last_faults") or []
    assert isinstance(faults, list)
    recent = [f"{each['fault']} {each['minutes_ago']} min ago" for each in faults]
    minute = {
        "camera": _unit(snapshot["camera_fps"], " frames/s"),
        "mirror": _unit(snapshot["mirror_fps"], " frames/s"),
        "frame age": _unit(snapshot["frame_age_ms"], " ms or less"),
        "analysis": snapshot["analysis"],
        "verdicts": f"about {snapshot['verdicts']}",
        "skipped frames": snapshot["skipped"],
        "memory": _unit(snapshot["memory_mb"], " MB or less"),
        "threads": snapshot["threads"],
        "descriptors": snapshot["descriptors"],
        "temperature": _unit(snapshot["temperature_c"], " °C"),
    }
    if snapshot["camera_fps"] is None:  # not measured yet; a measured rate is at least 0
        minute = {"figures": "not known before the first minute is over"}
    figures = {
        "state": snapshot["state"],
        **minute,
        "restarts": snapshot["restarts"],
        "device": snapshot["device"],
        "up": f"{snapshot['up_minutes']} min",
        "version": snapshot["version"],
        "faults": "; ".join(recent) or "none",
    }
    return separator.join(
        f"{name} {'unknown' if figure is None else figure}" for name, figure in figures.items()
    )


_METRICS = {
    "up_minutes": ("gauge", "Minutes since the supervisor started."),
    "restarts": ("counter", "Restarts of the show after a failure."),
    "camera_fps": ("gauge", "Frames a second from the camera, rounded."),
    "mirror_fps": ("gauge", "Frames a second on the screen, rounded."),
    "frame_age_ms": ("gauge", "Upper bound of the age of a frame on the screen."),
    "verdicts": (
        "counter",
        "Verdicts plus a random number (0 to 9), rounded down to tens to hide single verdicts.",
    ),
    "skipped": ("counter", "Pictures of the camera that were damaged or lost."),
    "memory_mb": ("gauge", "Resident memory of the show, rounded up."),
    "threads": ("gauge", "Threads of the show."),
    "descriptors": ("gauge", "Open descriptors of the show."),
    "temperature_c": ("gauge", "Temperature of the machine's hottest sensor."),
}


def as_prometheus(snapshot: Mapping[str, object]) -> str:
    """Return the health in Prometheus's text format; figures that are not known are left out."""
    lines = []
    for name, (kind, meaning) in _METRICS.items():
        figure = snapshot.get(name)
        if isinstance(figure, int | float):
            metric = f"kiosk_{name}" + ("_total" if kind == "counter" else "")
            lines += [f"# HELP {metric} {meaning}", f"# TYPE {metric} {kind}", f"{metric} {figure}"]
    lines += [
        "# HELP kiosk_state The state of the show: 1 for the current one.",
        "# TYPE kiosk_state gauge",
    ]
    for state in State:
        name = state.name.lower()
        lines.append(f'kiosk_state{{state="{name}"}} {int(snapshot["state"] == name)}')
    return "\n".join(lines) + "\n"


def machine_temperature(zones: Path = THERMAL_ZONES) -> int | None:
    """Return the temperature of the hottest sensor, °C; None if no sensor can be read."""
    found = []
    for file in zones.glob("thermal_zone*/temp"):
        try:
            found.append(int(file.read_text(encoding="ascii")) / 1000)
        except (OSError, ValueError):
            continue
    return round(max(found)) if found else None


def _rounded_rate(rate: float) -> int:
    return round(rate) if rate < 2 * RATE_STEP else RATE_STEP * round(rate / RATE_STEP)


def _upper_bound(age_ms: int, steps: Iterable[int] = AGE_STEPS_MS) -> int:
    return next((step for step in steps if age_ms <= step), AGE_STEPS_MS[-1])


def _rounded_up(amount: int, step: int) -> int | None:
    return -(-amount // step) * step if amount else None


def _unit(figure: object, unit: str) -> str | None:
    return None if figure is None else f"{figure}{unit}"
