from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import pygame
import pytest

from installation.showing.scene import Scene, Size
from installation.showing.type.fonts import Fonts
from installation.showing.type.typesetting import ScreenContext
from installation.showing.words import Words, load_words
from tests.support.figures import PEOPLE
from tests.support.golden import Check, compare, store
from tests.support.x_server import Projector, x_server


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --update-goldens, for `pytest tests/showing`."""
    parser.addoption(
        "--update-goldens", action="store_true", help="store the screens as they are painted now"
    )


@pytest.fixture(scope="session")
def english() -> Words:
    """Return the kiosk's own English words."""
    return load_words()


@pytest.fixture(scope="session")
def fonts(english: Words) -> Fonts:
    """Return the fonts for the kiosk's own English words: the bundled one."""
    return Fonts(english.texts())


@pytest.fixture
def context(english: Words, fonts: Fonts) -> Callable[[Size], ScreenContext]:
    """Return a function that makes the context for a screen of a size."""
    return lambda size: ScreenContext(english, fonts, size, label_set=PEOPLE)


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Check:
    """Return the function that compares a scene with its golden picture, or stores it.

    It fails if two visitors of the scene have one name, because the show gives none twice at once.
    """
    check = store if request.config.getoption("--update-goldens", default=False) else compare

    def possible(name: str, scene: Scene, context: ScreenContext, *, shorter: bool = False) -> None:
        stages = ("reading", "named", "withdrawn")
        names = [each.shown.name for each in scene.visitors if each.shown.stage in stages]
        assert len(set(names)) == len(names), f"{name}: {sorted(names)}"
        check(name, scene, context, shorter=shorter)

    return possible


@pytest.fixture
def projector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Projector]:
    """The monitor of an X server of 1280×720 that this session has."""
    with x_server() as name:
        monkeypatch.setenv("DISPLAY", name)
        monkeypatch.setenv("SDL_VIDEODRIVER", "x11")
        with contextlib.closing(Projector(name)) as projector:
            yield projector
            pygame.display.quit()
