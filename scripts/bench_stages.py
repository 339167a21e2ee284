"""Measures the processor time of each stage of a frame, and counts the whole pictures written.

The kiosk's own parts work in turn in one thread. They get the time from the film, not from the
computer's clock, so other programs on the computer hardly affect the figures. OpenCV runs on one
thread.
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np

WRITERS: tuple[tuple[Any, tuple[str, ...]], ...] = (
    (cv2, ("cvtColor", "flip", "rotate", "transpose", "resize", "convertScaleAbs")),
    (np, ("copyto",)),
)
"""The functions with which the show writes pictures. Decoders' own output does not count."""

WHOLE = 0.5
"""A written picture counts as whole if it has at least this share of the camera picture's area."""

SETTINGS: Mapping[str, Any] = {
    "detector": "mtcnn",
    "device": "cpu",
    "visitors": {"least_size": 0.05},
}
"""The settings of a measured show; with this least size, everybody on the films is classified."""

BAR = 40
"""The length of the longest bar, characters."""


class Write(NamedTuple):
    """One call that wrote a picture, or a part of one."""

    pixels: int
    block: int
    """The address of the block of memory that the picture is in."""
    begin: int
    """The address of the first byte that was written."""
    end: int
    """The address of the last byte that was written, plus 1."""


@contextlib.contextmanager
def recorded_writes() -> Iterator[list[Write]]:
    """Record each write of a picture, or of a part of one, in the `with` block; yield the list."""
    written: list[Write] = []

    def recorded(original: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any, **named: Any) -> Any:
            result = original(*given, **named)
            written.append(_write(given[0] if result is None else result))
            return result

        return call

    with contextlib.ExitStack() as stack:
        for owner, names in WRITERS:
            for name in names:
                original = getattr(owner, name)
                setattr(owner, name, recorded(original))
                stack.callback(setattr, owner, name, original)
        yield written


def _write(picture: Any) -> Write:
    begin, end = np.lib.array_utils.byte_bounds(picture)
    block = picture
    while isinstance(block.base, np.ndarray):
        block = block.base
    return Write(picture.shape[0] * picture.shape[1], block.ctypes.data, begin, end)


def pictures(written: Iterable[Write]) -> list[tuple[int, float]]:
    """Return, for each written picture, its number of pixels and how often it was written.

    All writes to one block of memory belong to one picture. If strips are written next to each
    other, they count as one picture. If each strip overwrites the one before, they count as a
    picture of a strip's size that was written several times.
    """
    blocks: defaultdict[int, list[Write]] = defaultdict(list)
    for write in written:
        blocks[write.block].append(write)
    found = []
    for writes in blocks.values():
        sizes = [(each.pixels, each.end - each.begin) for each in writes]
        total, extent = (sum(each) for each in zip(*sizes, strict=True))
        covered, reached = 0, 0
        for write in sorted(writes, key=lambda each: each.begin):
            covered += max(0, write.end - max(write.begin, reached))
            reached = max(reached, write.end)
        found.append((round(total * covered / extent), extent / covered))
    return found


def whole_pictures(written: Iterable[Write], size: tuple[int, int]) -> int:
    """Return how many whole pictures were `written`; `size` is the size of the camera's pictures.

    A picture is whole if it has at least `WHOLE` of the camera's pixels.
    """
    least = WHOLE * size[0] * size[1]
    return round(sum(times for pixels, times in pictures(written) if pixels >= least))


class Stages:
    """The processor time of each stage from camera to screen, and the number of frames."""

    def __init__(self) -> None:
        self._seconds: defaultdict[str, float] = defaultdict(float)
        self.frames = 0
        self.whole_pictures = 0
        """The number of whole pictures that were written while the show handled `frames` frames."""

    def restart(self) -> None:
        """Discard the measurements so far."""
        self._seconds.clear()
        self.frames = self.whole_pictures = 0

    @contextlib.contextmanager
    def stage(self, name: str, within: str = "") -> Iterator[None]:
        """Add the block's processor time to the stage `name`; subtract it from stage `within`."""
        began = time.process_time()
        try:
            yield
        finally:
            took = time.process_time() - began
            self._seconds[name] += took
            if within:
                self._seconds[within] -= took

    def per_frame_ms(self) -> dict[str, float]:
        """Return the mean processor time of each stage for one frame, ms.

        Stages that took no time are left out.
        """
        return {
            name: 1000 * self._seconds[name] / self.frames for name in ORDER if self._seconds[name]
        }

    def lines(self, title: str) -> list[str]:
        """Return lines of text: `title`, a bar for each stage, and the totals for one frame."""
        stages = self.per_frame_ms()
        longest, width = max(stages.values()), max(map(len, stages))
        bars = [
            f"{name:<{width}} {ms:6.2f} ms {'█' * round(BAR * ms / longest)}"
            for name, ms in stages.items()
        ]
        written = self.whole_pictures / self.frames
        total = f"{'all':<{width}} {sum(stages.values()):6.2f} ms; {written:.1f} whole pictures"
        return [title, *bars, total]


class FilmClock:
    """A clock that shows a film's time."""

    def __init__(self) -> None:
        self.instant = 1000.0

    def now(self) -> float:
        """Return the instant of the picture that the film delivered most recently, s."""
        return self.instant

    def wait(self, seconds: float) -> None:
        """Do not wait: the next picture is due at once."""


class _Timed:
    """A part of the show whose method calls count as separate stages, not as analysis."""

    def __init__(self, part: Any, stages: Stages, methods: dict[str, str]) -> None:
        self._part = part
        self._stages = stages
        self._methods = methods

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._part, name)
        stage = self._methods.get(name)
        if stage is None:
            return value

        def timed(*given: Any, **named: Any) -> Any:
            with self._stages.stage(stage, within=ANALYSIS):
                return value(*given, **named)

        return timed


DECODING, MIRRORING = "decode", "mirror"
ANALYSIS, DETECTING, READING = "track and settle", "find faces", "read faces"
COMPOSING, SCALING, PANELS = "place words", "scale to the screen", "squares and words"
FORGETTING = "zero the picture"
ORDER = (
    *(DECODING, MIRRORING, DETECTING, ANALYSIS, READING),
    *(COMPOSING, SCALING, PANELS, FORGETTING),
)
"""The stages, in the order in which a frame passes through them."""


def measure(film: Path, screen: tuple[int, int], frames: int = 240, skipped: int = 150) -> Stages:
    """Return the time of each stage for `frames` pictures of `film`, after the first `skipped`."""
    from installation.memory.buffers import overwrite_freed_memory
    from installation.running.latest import Latest
    from installation.seeing.cameras.orientation import Orientation
    from installation.seeing.cameras.played.film import FilmPictures
    from installation.seeing.frame import Frame
    from installation.settings.kiosk import Settings
    from installation.settings.yaml_file import Loaded
    from installation.show import mirror as mirroring
    from installation.show.analysis import Analysis
    from installation.show.context import open_context
    from installation.show.parts import open_parts
    from installation.showing import picture as painting
    from installation.showing.window import OffScreen

    overwrite_freed_memory()
    stages, clock = Stages(), FilmClock()
    settings = Settings.model_validate({**SETTINGS, "camera": {"source": str(film)}})
    loaded = Loaded(settings, "the bench", {}, {})
    parts = open_parts(loaded, clock, lambda _: None)
    networks = parts.open_networks()
    analysis_networks = replace(
        networks,
        detector=_Timed(networks.detector, stages, {"detect": DETECTING, "follow": DETECTING}),
        classifier=_Timed(networks.classifier, stages, {"classify": READING}),
    )
    mirrored, sightings = Latest[Frame](), Latest[Any]()
    analysis = Analysis(
        parts, analysis_networks, Latest(), sightings, clock, lambda frame: frame.box
    )
    surface = OffScreen(screen)
    context = open_context(surface, loaded, parts.label_set)
    mirror = mirroring.Mirror(surface, context, mirrored, sightings, clock)
    pictures, orientation = FilmPictures(film), Orientation(mirror=True)
    within = ((mirroring, "compose", COMPOSING), (painting, "paint_picture", SCALING))
    with contextlib.ExitStack() as stack:
        for owner, name, stage in (*within, (orientation.pool, "_give_back", FORGETTING)):
            stack.enter_context(_timed(owner, name, stages, stage))
        for number in range(skipped + frames):
            if number == skipped:
                stages.restart()
            clock.instant += 1 / pictures.fps
            with recorded_writes() as written:
                with stages.stage(DECODING):
                    picture = pictures.next()
                    if picture is None:
                        pictures.rewind()
                        picture = pictures.next()
                assert picture is not None
                with stages.stage(MIRRORING):
                    oriented = orientation.apply(picture)
                frame = Frame(bgr=oriented, taken_at=clock.now(), scene=pictures.scene)
                size = frame.width, frame.height
                with stages.stage(ANALYSIS):
                    analysis.offer(frame)
                mirrored.put(frame)
                del frame, oriented
                with stages.stage(PANELS):
                    mirror.step()
            stages.frames += 1
            stages.whole_pictures += whole_pictures(written, size)
    return stages


@contextlib.contextmanager
def _timed(owner: Any, name: str, stages: Stages, stage: str) -> Iterator[None]:
    """Measure the calls of a function in the `with` block as a separate stage.

    The function is the attribute `name` of `owner`. Its processor time is added to `stage` and
    subtracted from `PANELS`, because it was measured as a part of that stage too.
    """
    original = getattr(owner, name)

    def timed(*given: Any, **named: Any) -> Any:
        with stages.stage(stage, within=PANELS):
            return original(*given, **named)

    setattr(owner, name, timed)
    try:
        yield
    finally:
        setattr(owner, name, original)


def main() -> None:
    """Print the bars of a film's stages; the arguments are FILM FACES WIDTH HEIGHT."""
    film, faces, width, height = sys.argv[1:]
    stages = measure(Path(film), (int(width), int(height)))
    title = f"Processor time of a 1280×720 frame with {faces} faces, on a {width}×{height} screen"
    print("\n".join(stages.lines(title)))


if __name__ == "__main__":
    main()
