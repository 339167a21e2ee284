"""Measures, for `bench`, how many readings a second the show makes while nobody gets a name.

A reading is the classification of one visitor on one frame.

An ordinary show reads each visitor ten times a second until they have a name, and then not at all.
So it reads a film's crowd for two seconds and never again. Here nobody gets a name, and the show
analyses every frame that it has time for. It reads everybody on the frame, as the loops of
`bench_loops` do: one crop of each face. Everything else is as in an ordinary show: the threads, the
parts, and a picture of the screen's size. As with the loops, there is no guard (sandbox).

Run as a program, it prints the figures as JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from scripts.bench_stages import SETTINGS

NEVER_NAMED = {
    "acknowledged": "this show is only measured and nobody sees it",
    "announce_s": 0,
    "min_time_s": 60,
    "min_readings": 1000,
}
"""Settings of `reading` with which no name settles while the bench runs."""


def measure(film: Path, screen: tuple[int, int], seconds: float) -> dict[str, float | None]:
    """Return the figures of a show of `film` that lasts for `seconds`."""
    started_at = time.monotonic()
    from installation.naming.reading import scheduler
    from installation.running.clock import MonotonicClock
    from installation.seeing import finder
    from installation.settings.kiosk import Settings
    from installation.settings.yaml_file import Loaded
    from installation.show.context import open_context
    from installation.show.live import LiveShow
    from installation.show.parts import Networks, open_parts
    from installation.showing.window import OffScreen, ScreenEvents

    scheduler.READING_INTERVAL_S = 0.0
    finder.TRACK_INTERVAL_S = finder.MAX_TRACK_INTERVAL_S = 0.0
    settings = Settings.model_validate(
        {**SETTINGS, "camera": {"source": str(film)}, "reading": NEVER_NAMED}
    )
    loaded, clock = Loaded(settings, "the bench", {}, {}), MonotonicClock()
    parts = open_parts(loaded, clock, lambda _: None)

    def open_networks() -> Networks:
        networks = parts.open_networks()
        classifier: Any = networks.classifier
        classifier.has_time = False  # one crop of each face
        return networks

    shown = OffScreen(screen)
    show = LiveShow(
        replace(parts, open_networks=open_networks),
        parts.open_camera(),
        shown,
        open_context(shown, loaded, parts.label_set),
        None,
        started_at=started_at,
        clock=clock,
        log=lambda _: None,
        emit=lambda _: None,
    )
    summary = show.run(lambda: ScreenEvents(end_show=clock.now() >= started_at + seconds))
    return {
        "shown_fps": summary.mirror_fps,
        "interval_p50_ms": summary.interval_ms.p50,
        "interval_p99_ms": summary.interval_ms.p99,
        "age_p95_ms": summary.frame_age_ms.p95,
        "readings_per_s": summary.readings_per_s,
        "first_frame_s": summary.first_frame_s,
    }


def main() -> None:
    """Run the show, and print its figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("film", type=Path)
    parser.add_argument("screen", type=int, nargs=2)
    parser.add_argument("seconds", type=float)
    options = parser.parse_args()
    print(json.dumps(measure(options.film, tuple(options.screen), options.seconds)), flush=True)
    os._exit(0)  # A thread that is still inside a network would abort an ordinary end.


if __name__ == "__main__":
    main()
