from __future__ import annotations

from collections.abc import Callable

import pytest

from installation.showing.scene import Size
from installation.showing.type.fonts import Fonts
from installation.showing.type.typesetting import ScreenContext
from installation.showing.words import load_words
from tests.support.figures import PEOPLE
from tests.support.golden import Check, compare, store


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --update-goldens, for `pytest tests/showing`."""
    parser.addoption(
        "--update-goldens", action="store_true", help="store the screens as they are painted now"
    )


@pytest.fixture(scope="session")
def fonts() -> Fonts:
    """Return the fonts for the kiosk's own English words: the bundled one."""
    return Fonts(load_words().texts())


@pytest.fixture
def context(fonts: Fonts) -> Callable[[Size], ScreenContext]:
    """Return a function that makes the context for a screen of a size."""
    return lambda size: ScreenContext(load_words(), fonts, size, label_set=PEOPLE)


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Check:
    """Return the function that compares a scene with its golden picture, or stores it."""
    return store if request.config.getoption("--update-goldens", default=False) else compare
