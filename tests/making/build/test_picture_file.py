"""Tests with pictures as telephones, editors and archives write them.

They include formats that the kiosk reads or names (HEIC, AVIF, GIF; a raw photograph, a film),
colours that a viewer hides (transparency as a channel, as one colour, as a palette's entry), other
depths than 8 bits (16 bits of grey, of colour), oversized pictures, and files without their end
(only the marker, some rows, the finest details).
"""

from __future__ import annotations

import io
import struct
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageCms
from skimage import data

from installation.making.build import picture_file
from installation.making.build.picture_file import PictureError
from installation.naming.reading.crops import FILL_LEVEL
from installation.seeing.frame import Pixels

PICTURES = Path(__file__).with_name("pictures")


def packed(picture: Image.Image, format_: str, **options: object) -> bytes:
    """Return the bytes of a file with `picture`."""
    file = io.BytesIO()
    picture.save(file, format_, **options)
    return file.getvalue()


def decoded(file: bytes, least_side: int = 64) -> Pixels:
    """Return the pixels of a file whose header is accepted."""
    picture_file.check_header(file)
    return picture_file.decode(file, least_side).pixels


def difference(pixels: Pixels, other: Pixels) -> float:
    """Return the mean difference of two pictures, in levels."""
    assert pixels.shape == other.shape
    return float(np.abs(pixels.astype(int) - other).mean())


@pytest.mark.parametrize("name", ["chelsea.heic", "chelsea_turned.heic"])
def test_photographs_of_iphones_are_read(name: str) -> None:
    """HEIC is decoded, and turned upright once."""
    assert difference(decoded((PICTURES / name).read_bytes()), data.chelsea()) < 4


@pytest.mark.parametrize(("format_", "within"), [("AVIF", 4), ("GIF", 12), ("WEBP", 4)])
def test_each_format_is_read(format_: str, within: float) -> None:
    """AVIF, GIF and WebP are decoded."""
    file = packed(Image.fromarray(data.chelsea()), format_)
    assert difference(decoded(file), data.chelsea()) <= within


def test_a_photograph_with_a_second_picture_in_it_is_read() -> None:
    """Telephones add a map of brightness or of depths to a JPEG, which makes it an MPO."""
    whole = Image.fromarray(data.chelsea())
    several = io.BytesIO()
    whole.save(several, "MPO", save_all=True, append_images=[whole.resize((100, 80))])
    picture_file.check_header(several.getvalue())
    pixels = picture_file.decode(several.getvalue(), 300).pixels
    assert pixels.shape[:2] == data.chelsea().shape[:2]
    assert abs(pixels.mean() - data.chelsea().mean()) < 2


def test_of_several_pictures_the_first_counts() -> None:
    """Of an animated GIF the first picture is used."""
    red, blue = (Image.new("RGB", (80, 80), colour) for colour in ("red", "blue"))
    file = packed(red, "GIF", save_all=True, append_images=[blue])
    assert decoded(file)[40, 40].tolist() == [255, 0, 0]


@pytest.mark.parametrize(
    ("start", "suffix", "name"),
    [
        (b"8BPS" + bytes(90), ".psd", "a Photoshop file"),
        (b"\0\0\0\x18ftypqt  " + bytes(90), ".MOV", "a film"),
        (b"\0\0\0\x18ftypcrx " + bytes(90), ".CR3", "a raw photograph"),
        (b"\xff\x0a" + bytes(90), ".jxl", "a JPEG XL picture"),
        (b"%PDF-1.7" + bytes(90), ".pdf", "a PDF"),
        (packed(Image.new("RGB", (80, 80)), "TIFF"), ".NEF", "a raw photograph"),
    ],
)
def test_other_formats_are_named(start: bytes, suffix: str, name: str) -> None:
    """A file of another format is refused by its format's name, with the formats that are read."""
    with pytest.raises(PictureError) as caught:
        picture_file.check_header(start, suffix)
    assert str(caught.value) == (
        f"it is {name} (expected one of jpeg, png, webp, heif, avif, gif, bmp, tiff)"
    )


def transparent_corner(mode: str) -> Image.Image:
    """Return a green picture whose left half is transparent, with red hidden beneath."""
    picture = Image.new("RGBA", (80, 80), (0, 255, 0, 255))
    picture.paste((255, 0, 0, 0), (0, 0, 40, 80))
    if mode == "P":
        palette = Image.new("P", (80, 80), 0)
        palette.putpalette([0, 255, 0, 255, 0, 0])
        palette.paste(1, (0, 0, 40, 80))
        return palette
    return picture.convert(mode)


@pytest.mark.parametrize(
    ("mode", "format_", "options"),
    [
        ("RGBA", "PNG", {}),
        ("RGBA", "WEBP", {"lossless": True}),
        ("RGBA", "TIFF", {}),
        ("RGBA", "AVIF", {"quality": 100}),
        ("LA", "PNG", {}),
        ("RGB", "PNG", {"transparency": (255, 0, 0)}),
        ("RGB", "PNG", {"transparency": (255, 0, 0), "icc_profile": picture_file.SRGB.tobytes()}),
        ("P", "PNG", {"transparency": 1}),
        ("P", "PNG", {"transparency": 1, "icc_profile": picture_file.SRGB.tobytes()}),
        ("P", "GIF", {"transparency": 1}),
    ],
)
def test_transparent_parts_are_grey(mode: str, format_: str, options: dict[str, object]) -> None:
    """Transparent parts are as grey as the area outside a frame, in each of five formats."""
    pixels = decoded(packed(transparent_corner(mode), format_, **options))
    assert (pixels[:, :40] == FILL_LEVEL).all()
    assert pixels[40, 60, 1] > 140


def test_large_transparent_pictures_are_grey() -> None:
    """A picture that is reduced keeps none of the colours beneath its transparency."""
    picture = transparent_corner("RGBA").resize((4000, 4000), Image.Resampling.NEAREST)
    pixels = decoded(packed(picture, "PNG", compress_level=1))
    assert pixels.shape == (1334, 1334, 3)
    assert (pixels[:, :600] == FILL_LEVEL).all()
    assert pixels[:, :, 0].max() <= FILL_LEVEL


@pytest.mark.parametrize("format_", ["PNG", "TIFF"])
def test_deep_greys_are_read(format_: str) -> None:
    """A picture of 16 bits of grey is not white."""
    grey = np.repeat(np.arange(80, dtype=np.uint16)[:, None] * 800, 80, 1)
    pixels = decoded(packed(Image.fromarray(grey), format_))
    assert (pixels == (grey >> 8)[:, :, None]).all()


def test_deep_colours_are_read() -> None:
    """A PNG and a TIFF with 16 bits a colour are read as their upper 8 bits."""
    deep = data.chelsea()[..., ::-1].astype(np.uint16) * 257
    for suffix in (".png", ".tiff"):
        file = cv2.imencode(suffix, deep)[1].tobytes()
        assert difference(decoded(file), data.chelsea()) <= 1


def test_prints_are_read() -> None:
    """A JPEG in the inks of a printer is read in the screen's colours."""
    file = packed(Image.fromarray(data.chelsea()).convert("CMYK"), "JPEG")
    assert difference(decoded(file, 300), data.chelsea()) < 4


def test_a_picture_of_108_megapixels_is_reduced_while_it_is_decoded() -> None:
    """A telephone's largest JPEG is decoded at an eighth of its size, and nothing larger is opened.

    A PNG of 108 megapixels is decoded whole.
    """
    file = packed(Image.new("RGB", (12_000, 9_000), (90, 120, 30)), "JPEG")
    assert decoded(file, 448).shape == (1125, 1500, 3)
    picture_file.check_header(packed(Image.new("1", (12_000, 9_000)), "PNG"))
    with pytest.raises(PictureError, match="15000×9000 pixels"):
        picture_file.check_header(packed(Image.new("1", (15_000, 9_000)), "PNG"))


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("cut", [1, 2, 400])
def test_a_jpeg_without_its_tail_is_used(progressive: bool, cut: int) -> None:
    """A JPEG that lacks its last bytes is decoded to the rows that it has, as by a viewer."""
    photograph = data.chelsea()
    file = packed(Image.fromarray(photograph), "JPEG", progressive=progressive)
    picture_file.check_header(file[:-cut])
    part = picture_file.decode(file[:-cut], 300)
    rows, columns, _ = part.pixels.shape
    assert columns == 451
    assert rows == pytest.approx(300 * (1 - part.missing), abs=1e-6)
    assert rows > 270
    assert difference(part.pixels, photograph[:rows]) < 4
    assert (part.missing > 0) == (cut == 400 and not progressive)


@pytest.mark.parametrize(
    ("progressive", "why"), [(False, "of its rows of pixels are missing"), (True, "damaged")]
)
def test_half_a_jpeg_is_left_out(progressive: bool, why: str) -> None:
    """A JPEG of which half is missing is refused."""
    file = packed(Image.fromarray(data.chelsea()), "JPEG", progressive=progressive)
    with pytest.raises(PictureError, match=why):
        picture_file.decode(file[: len(file) // 3], 300)


@pytest.mark.parametrize("name", ["chelsea.heic", "chelsea.avif", "chelsea.png"])
def test_other_formats_without_their_tail_are_left_out(name: str) -> None:
    """A HEIC, AVIF or PNG without its second half is refused as damaged."""
    if name.endswith("heic"):
        file = (PICTURES / name).read_bytes()
    else:
        file = packed(Image.fromarray(data.chelsea()), name.rpartition(".")[2].upper())
    with pytest.raises(PictureError, match="damaged"):
        decoded(file[: len(file) // 2])


def _adobe_rgb() -> bytes:
    """Return a profile with the colours of Adobe RGB (1998): gamma 2.2, and a greener green.

    It is sRGB's own profile with other numbers (ICC.1:2022, 10.11 and 10.31).
    """
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    count = struct.unpack_from(">I", profile, 128)[0]
    places = {}
    for number in range(count):
        name, start, size = struct.unpack_from(">4sII", profile, 132 + 12 * number)
        places[name] = (start, size)
    columns = {
        b"rXYZ": (0.60974, 0.31111, 0.01947),
        b"gXYZ": (0.20528, 0.62567, 0.06087),
        b"bXYZ": (0.14919, 0.06322, 0.74457),
    }
    for name, column in columns.items():
        numbers = (round(value * 65536) for value in column)
        struct.pack_into(">3i", profile, places[name][0] + 8, *numbers)
    return bytes(profile)


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_colours_are_those_that_a_viewer_shows(mode: str) -> None:
    """A picture is used in the colours that the artist sees.

    The same numbers are a stronger green in Adobe RGB than in sRGB; greys are equal.
    """
    picture = Image.new(mode, (80, 80), (60, 180, 60, 255)[: len(mode)])
    picture.paste((128, 128, 128, 255)[: len(mode)], (0, 0, 40, 80))
    seen = decoded(packed(picture, "PNG", icc_profile=_adobe_rgb()))
    assert seen[40, 60, 0] < 20
    assert abs(seen[40, 20].astype(int) - 128).max() <= 1
    assert (decoded(packed(picture, "PNG"))[40, 60] == (60, 180, 60)).all()


def test_colours_of_a_palette_are_those_that_a_viewer_shows() -> None:
    """The profile of a picture with a palette is applied to the palette's colours."""
    picture = Image.new("P", (80, 80), 0)
    picture.putpalette([60, 180, 60])
    assert (decoded(packed(picture, "PNG", icc_profile=_adobe_rgb()))[..., 0] < 20).all()
    assert (decoded(packed(picture, "PNG")) == (60, 180, 60)).all()


@pytest.mark.parametrize("profile", [b"", b"no profile", _adobe_rgb()[:200]])
def test_a_damaged_profile_is_ignored(profile: bytes) -> None:
    """A picture whose profile cannot be used is read without it."""
    picture = Image.new("RGB", (80, 80), (60, 180, 60))
    assert (decoded(packed(picture, "PNG", icc_profile=profile)) == (60, 180, 60)).all()


def test_an_empty_file_is_called_so() -> None:
    """An empty file has a different message than a file of another kind.

    It may be an interrupted copy.
    """
    with pytest.raises(PictureError, match=r"it is empty \(copy it again\)"):
        picture_file.check_header(b"")
