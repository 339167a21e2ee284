"""The work of the main thread: paints the newest frame and the labels of the people on it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from installation.naming.reading.values import Sightings
from installation.running.clock import Clock
from installation.running.latest import Latest
from installation.running.progress import State
from installation.running.telemetry import Durations
from installation.seeing.frame import Frame
from installation.seeing.presence.presence import GONE_S
from installation.showing.painter import Painter
from installation.showing.scene import Rect, Scene
from installation.showing.scenes.bands import bands
from installation.showing.scenes.cards import no_camera_card, rehearsal_mark
from installation.showing.scenes.compose import compose
from installation.showing.scenes.staff import ShowStatus, with_staff_card
from installation.showing.type.typesetting import ScreenContext
from installation.showing.window import Screen

REPAINT_S = 1 / 30
"""The longest wait for a frame before the screen is updated without one, s. So names keep changing
even if no frame arrives.
"""


ABSENT_S = 0.5
"""The longest time that a frame may stay on the screen if no other arrives, s. A camera that sends
fewer than three frames a second has more time, see `ABSENT_FRAMES`.
"""

STILL_S = 0.3
"""The longest time between two paints of a scene that has no picture and does not change, s. It is
less than `expiring_cache.KEPT_S`, so that the scene's panels stay in the cache.
"""

ABSENT_FRAMES = 1.5
"""A camera may send fewer than three frames a second. Its last frame then stays on the screen for
at most this many times the time between the last two frames.
"""

LONGEST_INTERVAL_S = 1.0
"""The largest value that is used for the time between two frames of a camera, s. It limits how long
the last frame stays on the screen (`ABSENT_FRAMES`).
"""


UNREAD_S = 60.0
"""How long the mirror stays on the screen while the analysis does not run, s.

Hardly any visitor stays longer than this. After that, the idle scene is shown, which by default has
no picture: without the analysis, people who only pass by would be shown too.
"""


class Mirror:
    """Paints the newest frame, with each box predicted to the time of that frame."""

    def __init__(
        self,
        screen: Screen,
        context: ScreenContext,
        frames: Latest[Frame],
        sightings: Latest[Sightings],
        clock: Clock,
        update_privacy_line: Callable[[ScreenContext], ScreenContext] | None = None,
        status: Callable[[float], ShowStatus] | None = None,
        *,
        is_rehearsal: bool = False,
    ) -> None:
        """Paint on `screen` from the mailboxes `frames` and `sightings`.

        `context` has the words and fonts, and `clock` is the show's clock. `update_privacy_line`
        puts today's privacy line into a context; if it is None, the line does not change. `status`
        returns the figures of the staff card at an instant (s, monotonic); if it is None, there is
        no staff card. `is_rehearsal` says whether the frames are the rehearsal's; then a word in
        the corner says so.
        """
        self._screen = screen
        self._painter = Painter(context.fonts)
        self._context = context
        self._update_privacy_line = update_privacy_line
        self._status = status
        self._is_rehearsal = is_rehearsal
        self._frames = frames
        self._new_sightings = sightings
        self._clock = clock
        self._frame: Frame | None = None
        self._sightings: Sightings | None = None
        self._scene: Scene | None = None
        self._still: Scene | None = None
        """The scene on the screen if it has no picture, and so need not be painted again; otherwise
        None.
        """
        self._painted_at = -math.inf
        self._flipped_at: float | None = None
        self._arrived_at = clock.now()
        self._interval_s = 0.0
        self._has_shown = False
        """Whether a frame or the staff card has been on the screen. Until then, the title card
        is shown. After that, the card for a missing camera is shown while there is no frame.
        """
        self._oldest_s = 0.0
        self._unread_since: float | None = None
        """The instant at which the search for faces stopped (s, monotonic); None while it runs."""
        self.searches_faces = True
        """False from a failure of the analysis until its networks are open again.

        It is true before the analysis has started.
        """
        self.room: Rect = bands(context).room
        """The area of the screen that pictures fill, px. From it follows which part of a frame is
        visible, and so which part the analysis reads.
        """
        self.first_at: float | None = None
        """The instant at which the first frame was on the screen (s, monotonic)."""
        self.ages = Durations()
        """The time from each frame's arrival to the flip that first shows the frame. If the screen
        shows no picture, the time ends with the step that receives the frame.
        """
        self.intervals = Durations()
        """The times from the end of a step that receives a new frame to the end of the next such
        step.
        """

    def step(self, *, staff_card: bool = False, exposed: bool = False) -> Sightings | None:
        """Paint once, as soon as a frame arrives; return the sightings if there are new ones.

        `staff_card` says whether the staff card is painted over the scene. `exposed` says whether a
        covered part of the window has become visible again; then the screen is painted in any case.
        """
        if exposed:
            self._still = None
        new_frame = self._frames.take(timeout=REPAINT_S)
        new_sightings = self._new_sightings.take(timeout=0)
        self._sightings = new_sightings or self._sightings
        if new_sightings and new_sightings.label_set is not self._context.label_set:
            self._context = replace(self._context, label_set=new_sightings.label_set)
        self._frame = new_frame or self._frame
        self._note_arrival(new_frame is not None)
        self._fit_screen()
        if self._update_privacy_line is not None:
            self._context = self._update_privacy_line(self._context)
        if self._frame is not None:
            now = self._clock.now()
            marks = [rehearsal_mark(self._context)] if self._is_rehearsal else []
            self._scene = compose(
                self._frame,
                self._current(),
                self._context,
                now,
                self._scene,
                [mark.rect for mark in marks],
                keeps_mirror=self._keeps_mirror(self._frame, now),
            )
            scene = replace(self._scene, panels=(*self._scene.panels, *marks))
            if staff_card and self._status is not None:
                scene = with_staff_card(scene, self._status(now), self._context)
            self._show(scene)
        elif self._has_shown or staff_card:
            self._has_shown = True
            scene = no_camera_card(self._context)
            if staff_card and self._status is not None:
                silent = replace(self._status(self._clock.now()), camera_state=State.STALLED)
                scene = with_staff_card(scene, silent, self._context)
            self._show(scene)
        if new_frame is not None:
            self._measure(new_frame)
        self._painter.evict(self._clock.now())
        return new_sightings

    def _fit_screen(self) -> None:
        """Compose scenes for the screen's current size, which changes if the display is rotated."""
        size = self._screen.surface.get_size()
        if size != self._context.size:
            self._context, self._scene = replace(self._context, size=size), None
            self._still, self.room = None, bands(self._context).room

    def _show(self, scene: Scene) -> None:
        """Paint `scene` and flip the screen, unless this scene is on the screen already.

        A scene with a picture is always painted. An unchanged scene without a picture is painted
        again after `STILL_S`. Scenes without a picture are shown while nobody is there. Most of
        them equal the scene before: only the list of names moves, about fourteen times a second. A
        flip copies the whole screen to the display, even if nothing was painted.
        """
        now = self._clock.now()
        if scene.picture or scene != self._still or now - self._painted_at >= STILL_S:
            self._painter.paint(scene, self._screen.surface)
            self._still = None if scene.picture else scene
            self._painted_at = now
            self._screen.flip()

    def _note_arrival(self, arrived: bool) -> None:
        """Note whether a frame has `arrived`; drop the last frame if none has arrived for too long.

        Visitors must not see a frozen picture of themselves, or a label on somebody who has left.
        """
        now = self._clock.now()
        waited_s = now - self._arrived_at
        if arrived:
            self._arrived_at, self._has_shown = now, True
            self._interval_s = min(waited_s, LONGEST_INTERVAL_S)
        elif (self._frame or self._sightings) and waited_s >= max(
            ABSENT_S, ABSENT_FRAMES * self._interval_s
        ):
            self.forget()

    def recent_age_ms(self) -> int:
        """Return the highest age, ms, at which a frame has been shown since the last call."""
        oldest_s, self._oldest_s = self._oldest_s, 0.0
        return round(1000 * oldest_s)

    def forget_people(self) -> None:
        """Drop all data about people, including cached captions; the picture stays."""
        self._painter.forget()
        self._sightings = None
        if self._scene is not None:
            self._scene = replace(self._scene, visitors=())

    def _keeps_mirror(self, frame: Frame, now: float) -> bool:
        """Return whether a mirror that is on the screen stays although the analysis sees nobody.

        It stays, for at most `UNREAD_S`, if the search for faces has failed, or if the last
        sightings are older than `GONE_S`. Somebody may then still stand in front of the screen.
        """
        sightings = self._sightings
        is_late = sightings is not None and frame.taken_at - sightings.taken_at > GONE_S
        if self.searches_faces and not is_late:
            # Networks that were just opened have no sightings yet, and may fail again.
            if sightings is not None:
                self._unread_since = None
            return False
        if self._unread_since is None:
            self._unread_since = now
        return now - self._unread_since < UNREAD_S

    def forget(self) -> None:
        """Drop the frame and all data about people, including cached captions."""
        self._painter.forget()
        self._frame = self._sightings = self._scene = self._still = None

    def _current(self) -> Sightings | None:
        """Return the sightings; None if they are stale, or from before a cut in a film.

        Sightings are stale if they are older than `GONE_S`, because the notice says that a name
        disappears within this time. If stale sightings were used while the analysis hangs, a name
        might end up on another visitor. `GONE_S` must not be shorter: the slowest rate that the
        tracker supports is one search for faces a second. At this rate, sightings are up to two
        seconds old when the next ones arrive.
        """
        sightings, frame = self._sightings, self._frame
        if sightings is None or frame is None or sightings.scene != frame.scene:
            return None
        return sightings if frame.taken_at - sightings.taken_at <= GONE_S else None

    def _measure(self, frame: Frame) -> None:
        now = self._clock.now()
        self.ages.add(now - frame.taken_at)
        self._oldest_s = max(self._oldest_s, now - frame.taken_at)
        self.first_at = self.first_at or now
        if self._flipped_at is not None:
            self.intervals.add(now - self._flipped_at)
        self._flipped_at = now
