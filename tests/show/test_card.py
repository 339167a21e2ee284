from __future__ import annotations

import pygame
import pytest

from installation.errors import CameraError, Mistake, SettingsError
from installation.running.progress import CameraFault, State
from installation.seeing.cameras.camera import FaultyPicturesError
from installation.show.card import CardOnScreen, card_for_staff
from installation.show.context import open_context
from installation.showing.scenes.cards import trouble_card
from installation.showing.words import load_words
from tests.support.counting_screen import CountingScreen
from tests.support.figures import text_of
from tests.support.small_show import DEFAULTS, unplugged

MISTAKE = Mistake("camera 0", "its pictures are black", "Look.")
WRONG = SettingsError(Mistake("kiosk.yaml:3", "labels is 'x'", "Did you mean 'y'?"))
WORDS = load_words()


def staff_text(error: Exception | None, state: State) -> str:
    """Return what the staff's card says."""
    screen = CountingScreen((1280, 720))
    scene = card_for_staff(error, state)(open_context(screen, DEFAULTS))
    return " ".join(text_of(scene).split())


@pytest.mark.parametrize(
    ("error", "state", "expected"),
    [
        (unplugged(), State.LOST, WORDS.staff_lost),
        (unplugged(), State.STALLED, WORDS.staff_silent),
        (CameraError(MISTAKE), State.WAITING, WORDS.staff_waiting),
        (FaultyPicturesError(MISTAKE, CameraFault.FROZEN), State.STALLED, WORDS.staff_frozen),
        (FaultyPicturesError(MISTAKE, CameraFault.TORN), State.STALLED, WORDS.staff_torn),
        (WRONG, State.FAILED, WORDS.staff_wrong),
    ],
)
def test_the_staff_reads_what_is_wrong_in_plain_words(
    error: Exception, state: State, expected: str
) -> None:
    """The words of the show's language come first, then the line of the log with its place."""
    text = staff_text(error, state)
    assert expected in text
    assert text.index(expected) < text.index(str(error).splitlines()[0][:20])


def test_what_only_the_log_knows_is_said() -> None:
    """After an unexpected error the staff's card refers to the log and does not quote the error."""
    text = staff_text(ZeroDivisionError("secret"), State.FAILED)
    assert WORDS.staff_log in text
    assert "secret" not in text


def test_the_staffs_card_stays_when_the_card_is_shown_again() -> None:
    """The show tries to open its camera every few seconds; the staff's card stays meanwhile."""
    screen = CountingScreen((640, 360))
    card = CardOnScreen(screen, open_context(screen, DEFAULTS))
    for_staff = card_for_staff(unplugged(), State.LOST)
    card.show(trouble_card, for_staff)
    calm = pygame.surfarray.array3d(screen.surface)
    card.update(staff_card=True)
    staff = pygame.surfarray.array3d(screen.surface)
    card.show(trouble_card, for_staff)
    assert (pygame.surfarray.array3d(screen.surface) == staff).all()
    card.update(staff_card=False)
    assert (pygame.surfarray.array3d(screen.surface) == calm).all()
    assert (calm != staff).any()


def test_the_card_fits_a_screen_that_has_changed() -> None:
    """After a display's rotation or resolution has changed, the card has the new size."""
    screen = CountingScreen((640, 360))
    card = CardOnScreen(screen, open_context(screen, DEFAULTS))
    card.show(trouble_card)
    screen.surface = pygame.Surface((360, 640), depth=32)
    card.update(staff_card=False, exposed=False)
    assert card.context.size == (360, 640)
    assert (pygame.surfarray.array3d(screen.surface) != 0).any()
