"""Tests of sizes as people write them: by name, as one text, as a list, under another key."""

from __future__ import annotations

import pytest

from installation.errors import LabelSetError
from installation.naming.label_set.settings import LabelSetSettings
from installation.settings.values.size import meant_size
from installation.settings.yaml_file import parse_yaml
from tests.support.kiosk_yaml import mistakes_of


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ("4K", (3840, 2160)),
        ("4K UHD", (3840, 2160)),
        ("Full HD", (1920, 1080)),
        ("full-hd", (1920, 1080)),
        ("1080p", (1920, 1080)),
        ("1080p60", (1920, 1080)),
        ("1920x1080 @ 30 fps", (1920, 1080)),
        ("1920 X 1080", (1920, 1080)),
        ("1920 by 1080 pixels", (1920, 1080)),
        ("1920px × 1080px", (1920, 1080)),
        ("1920, 1080", (1920, 1080)),
        ("(640, 480)", (640, 480)),
        ((1920, 1080), (1920, 1080)),
        (("1920", "1080"), (1920, 1080)),
        ({"height": 1080, "width": 1920}, (1920, 1080)),
        ("HD", (1280, 720)),
        ("VGA", (640, 480)),
        ("16:9", None),
        ("1,280", None),
        ("large", None),
        ((1920, 1080, 30), None),
        ((1920, "wide"), None),
        ({"width": 1920}, None),
        (1080, None),
        (None, None),
        ("9" * 5000 + "x1", None),
    ],
)
def test_a_size_is_understood_in_the_forms_of_boxes_and_menus(
    value: object, size: tuple[int, int] | None
) -> None:
    """Names, texts and pairs of numbers are understood as sizes; a ratio or one number is not."""
    assert meant_size(value) == size


FULL_HD = "Write `width: 1920` and `height: 1080`, on two lines."
FILLS = "Remove this setting. The show fills the display, whose size is set in the computer's"


@pytest.mark.parametrize(
    ("text", "problem", "remedy"),
    [
        (
            "size: 4K\n",
            "size is not a setting",
            "For the picture of the camera, write `width: 3840` and `height: 2160`, on two lines "
            "under 'camera:'. The show fills the display, whose size is set in the computer's "
            "settings.",
        ),
        (
            "resolution: [1920, 1080]\n",
            "resolution is not a setting",
            "For the picture of the camera, write `width: 1920` and `height: 1080`, on two lines "
            "under 'camera:'. The show fills the display, whose size is set in the computer's "
            "settings.",
        ),
        ("camera: {size: Full HD}\n", "camera.size is not a setting", FULL_HD),
        ("camera: {resolution: 1080p}\n", "camera.resolution is not a setting", FULL_HD),
        ("camera: {resolution: [1920, 1080]}\n", "camera.resolution is not a setting", FULL_HD),
        ("camera: {size: {width: 1920, height: 1080}}\n", "camera.size is not a sett", FULL_HD),
        (
            "camera: {size: large}\n",
            "camera.size is not a setting",
            "Write the sides in pixels, such as `width: 1920` and `height: 1080`, on two lines.",
        ),
        ("camera: {width: Full HD}\n", "camera.width is 'Full HD'", FULL_HD),
        ("camera: {height: 1080p}\n", "camera.height is '1080p'", FULL_HD),
        ("camera: {width: [1920, 1080]}\n", "camera.width is a list", FULL_HD),
        ("screen: {size: 4K}\n", "screen.size is not a setting", FILLS),
        ("screen: {resolution: [1920, 1080]}\n", "screen.resolution is not a setting", FILLS),
    ],
)
def test_a_size_in_kiosk_yaml_has_the_two_lines_to_write(
    text: str, problem: str, remedy: str
) -> None:
    """For the size of a camera, such as `4K`, the remedy has the width and the height to write.

    For the size of the screen it says that the show fills the display.
    """
    (message,) = mistakes_of(text)
    assert message.startswith(f"kiosk.yaml:1: {problem}")
    assert remedy in message


@pytest.mark.parametrize(
    ("size", "remedy"),
    [
        ("224x224", "Write 224."),
        ("[224, 224]", "Write 224."),
        ("224 px", "Write 224."),
        ("4K", "Change the value, or delete the line to use the default, 224."),
    ],
)
def test_the_side_of_a_networks_square_is_one_number(size: str, remedy: str) -> None:
    """If `input.size` has two sides or a unit, the message has the one number to write."""
    with pytest.raises(LabelSetError) as caught:
        parse_yaml(f"input: {{size: {size}}}\n", "labelset.yaml", LabelSetSettings, LabelSetError)
    (message,) = (str(each) for each in caught.value.mistakes if "input.size" in str(each))
    assert message.endswith(remedy)
