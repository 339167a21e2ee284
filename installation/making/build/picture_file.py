"""Decodes an artist's picture file to upright RGB pixels.

Pillow decodes all formats; pi-heif adds HEIC. Rejected: OpenCV, which supports neither HEIC nor
GIF, returns the colours hidden under transparency, and rejects a JPEG that lacks its last two
bytes. To limit the memory, a picture is decoded only if its header states at most MAX_PIXELS. The
limit for JPEGs, which are reduced while they are decoded, is MAX_JPEG_PIXELS.
"""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
import pi_heif
from PIL import Image, ImageCms, UnidentifiedImageError

from installation.naming.reading.crops import FILL_LEVEL
from installation.seeing.frame import Pixels

pi_heif.register_heif_opener()

PICTURE_FORMATS = ("JPEG", "PNG", "WEBP", "HEIF", "AVIF", "GIF", "BMP", "TIFF")
"""The accepted formats, by Pillow's names. A file's format is found from its content; its name is
used only to reject raw photographs (`RAW_SUFFIXES`). If a file contains several pictures, the first
is used.
"""

MAX_PIXELS = 120_000_000
"""The largest number of pixels of a picture: 360 MB when decoded. The sensors of most telephones
have 108 million pixels or fewer.
"""
MAX_JPEG_PIXELS = 210_000_000
"""The most pixels that a JPEG may have. The limit is higher than for other formats, because the
decoder can reduce a JPEG to 1/8 of its width and height. The largest JPEGs of telephones have 200
million pixels. If such a JPEG is progressive, it takes 600 MB while it is decoded.
"""
MIN_SIDE = 64
"""The least side of a picture, px; smaller pictures are too coarse to compare with a visitor's
crop.
"""
REDUCED_SIDE = 1024
"""Large pictures are reduced after they are decoded, but their shorter side keeps at least this
length, px. The show cuts its crops from frames that are not reduced, and a crop of a much smaller
picture would look different. Only a JPEG may become smaller: its decoder reduces it beforehand.
"""

REDUCIBLE = ("L", "RGB", "LA", "RGBA", "CMYK")
"""The modes of pictures that are reduced directly. Other pictures are first converted to RGB."""

MAX_MISSING = 0.1
"""The largest share of a JPEG's rows that may be missing at its end."""

Image.MAX_IMAGE_PIXELS = MAX_JPEG_PIXELS
# Pillow warns about a picture with more pixels, and rejects one with more than twice as many.

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
"""The colour profile of the show's camera and of the network's input."""

END_OF_IMAGE = b"\xff\xd9"
"""The JPEG marker at the end of a file (ITU T.81, table B.1)."""

START_OF_SCAN = b"\xff\xda"
"""The JPEG marker before the data of each scan (ITU T.81, table B.1); the compressed data never
contains it.
"""

ORIENTATION = 0x0112
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""The transposition that turns a picture upright, keyed by EXIF's orientation number. A picture
with the number 1 is upright already.
"""

OTHER_FORMATS = (
    (0, b"8BPS", "a Photoshop file"),
    (0, b"%PDF", "a PDF"),
    (0, b"%!PS", "a PostScript file"),
    (0, b"\xff\x0a", "a JPEG XL picture"),
    (0, b"\x00\x00\x00\x0cJXL ", "a JPEG XL picture"),
    (0, b"\x00\x00\x00\x0cjP  ", "a JPEG 2000 picture"),
    (0, b"FUJIFILMCCD-RAW", "a raw photograph"),
    (0, b"IIU\x00", "a raw photograph"),
    (0, b"IIRO", "a raw photograph"),
    (0, b"\x1aE\xdf\xa3", "a film"),
    (4, b"ftypcrx ", "a raw photograph"),
    (4, b"ftypqt  ", "a film"),
    (4, b"ftypisom", "a film"),
    (4, b"ftypmp4", "a film"),
    (4, b"ftypM4V", "a film"),
    (0, b"gimp xcf", "a GIMP file"),
    (0, b"<svg", "an SVG drawing"),
    (0, b"<?xml", "an SVG drawing, or other XML"),
    (0, b"<!DOCTYPE html", "a web page"),
    (0, b"<html", "a web page"),
    (0, b"PK\x03\x04", "a zip"),
    (0, b"version https://git-lfs", "a pointer of Git LFS"),
)
"""Files that people mistake for pictures: the offset of a signature, the signature, and the kind of
file.
"""

HEIF_MARKS = (b"ftypheic", b"ftypheix", b"ftypmif1", b"ftypavif")
"""The signatures at byte 4 of HEIC and AVIF files. A file that has one, but that Pillow does
not recognise, is damaged.
"""

RAW_SUFFIXES = (".dng", ".nef", ".cr2", ".arw", ".pef", ".srw", ".3fr", ".iiq")
"""The suffixes of raw photographs in TIFF format. They are rejected, because the first picture in
such a file is only a small preview.
"""

_NAMES = ", ".join(name.lower() for name in PICTURE_FORMATS)
NOT_A_PICTURE = f"it is not a picture of a known format ({_NAMES})"
BROKEN = "it is damaged and cannot be decoded"


class PictureError(Exception):
    """The file is not a usable picture; the error's text says why."""


@dataclass(frozen=True)
class DecodedPicture:
    """The pixels of a picture, and the share of its rows that the file lacks, 0 to MAX_MISSING.

    The missing rows are not part of `pixels`.
    """

    pixels: Pixels
    missing: float = 0.0


def check_header(data: bytes, suffix: str = "") -> None:
    """Raise PictureError if `data`, the bytes of a file, is not a usable picture.

    Only its header is read. `suffix` is the suffix of the file's name.
    """
    try:
        with Image.open(io.BytesIO(data), formats=PICTURE_FORMATS) as picture:
            (width, height), kind = picture.size, picture.format
    except UnidentifiedImageError:
        raise PictureError(_other_format(data)) from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise PictureError(f"it has too many pixels (expected at most {MAX_PIXELS:,})") from None
    except Exception:  # Pillow's readers raise any exception for damaged files
        raise PictureError(BROKEN) from None
    if kind == "TIFF" and suffix.lower() in RAW_SUFFIXES:
        raise PictureError(f"it is a raw photograph (expected one of {_NAMES})")
    most = MAX_JPEG_PIXELS if kind in ("JPEG", "MPO") else MAX_PIXELS
    if width * height > most:
        raise PictureError(f"it has {width}×{height} pixels (expected at most {most:,})")
    if min(width, height) < MIN_SIDE:
        problem = f"it is {width}×{height} px (expected at least {MIN_SIDE}×{MIN_SIDE})"
        raise PictureError(problem)


def _other_format(data: bytes) -> str:
    """Return the reason why the file is not a picture, with its format if that is known."""
    if not data:
        return "it is empty (copy it again)"
    for start, mark, name in OTHER_FORMATS:
        if data[start : start + len(mark)].lower() == mark.lower():
            return f"it is {name} (expected one of {_NAMES})"
    return BROKEN if data[4:12] in HEIF_MARKS else NOT_A_PICTURE


def decode(data: bytes, least_side: int) -> DecodedPicture:
    """Return the picture in a file that `check_header` has accepted; large pictures are reduced.

    The shorter side then has at least `least_side` px. Smaller pictures keep their size.
    Transparent parts become the grey that the show uses outside the frame. Raises PictureError if
    the picture is damaged.
    """
    try:
        return _decode(data, least_side)
    except OSError:
        if not _lacks_tail_only(data):
            raise PictureError(BROKEN) from None
    except PictureError:
        raise
    except Exception:  # as in check_header
        raise PictureError(BROKEN) from None
    try:
        # With the end marker, a decoder accepts the file, and fills missing rows with one colour.
        return _decode(data + END_OF_IMAGE, least_side, cut=True)
    except PictureError:
        raise
    except Exception:  # as in check_header
        raise PictureError(BROKEN) from None


def _lacks_tail_only(data: bytes) -> bool:
    """Return whether a file is a JPEG that is complete, or lacks only a part of its finest scan.

    The scans of a progressive JPEG become finer; a baseline JPEG has one scan with all details.
    """
    start = data.rfind(START_OF_SCAN)
    if not data.startswith(b"\xff\xd8") or start < 0 or len(data) < start + 5:
        return False
    components = data[start + 4]
    _, last_frequency, bits = data[start + 5 + 2 * components :][:3].ljust(3, b"\xff")
    return last_frequency == 63 and bits & 15 == 0


def _decode(data: bytes, least_side: int, *, cut: bool = False) -> DecodedPicture:
    """Return the decoded picture; if the file is truncated (`cut`), without the missing rows.

    Raises PictureError if the picture is damaged.
    """
    with Image.open(io.BytesIO(data), formats=PICTURE_FORMATS) as opened:
        picture: Image.Image = opened
        opened.draft("RGB", (least_side, least_side))  # decodes a JPEG at 1/2 to 1/8 of its size
        opened.load()
        orientation = opened.getexif().get(ORIENTATION)
        factor = min(opened.size) // max(least_side, REDUCED_SIDE)
        if factor > 1:
            if picture.mode not in REDUCIBLE or "transparency" in picture.info:
                picture = _to_rgb(picture)
            picture = picture.reduce(factor)
        missing = 0
        if cut:
            missing = _missing_rows(np.asarray(picture))
            if missing > MAX_MISSING * picture.height:
                raise PictureError(
                    f"{missing / picture.height:.0%} of its rows of pixels are missing"
                )
            picture = picture.crop((0, 0, picture.width, picture.height - missing))
        part = missing / (picture.height + missing)
        picture = _to_rgb(picture)
        if orientation in UPRIGHT:
            picture = picture.transpose(UPRIGHT[orientation])
        return DecodedPicture(np.asarray(picture, np.uint8), part)


def _missing_rows(pixels: Pixels) -> int:
    """Return the number of rows at the end of a truncated JPEG that are missing, at least in part.

    libjpeg fills missing blocks with middle grey. So a row counts as missing if its right end is
    middle grey and all rows below it are missing.
    """
    ends = pixels[:, -4:].reshape(len(pixels), -1).astype(int)
    missing = np.all(abs(ends - 128) <= 1, axis=1)[::-1]
    return len(pixels) if missing.all() else int(missing.argmin())


def _to_rgb(picture: Image.Image) -> Image.Image:
    """Return a picture of any mode as RGB, composited onto grey if it is transparent.

    Raises PictureError if the colours are floating-point numbers.
    """
    if picture.mode.startswith("I"):  # 16 bits of grey
        levels = np.asarray(picture).astype(np.int64)
        return Image.fromarray((levels >> 8).clip(0, 255).astype(np.uint8)).convert("RGB")
    if picture.mode == "F":
        raise PictureError("its colours are floating-point numbers (expected 8 or 16 bits each)")
    picture = _to_srgb(picture)
    if not picture.has_transparency_data:
        return picture.convert("RGB")
    grey = Image.new("RGBA", picture.size, (FILL_LEVEL, FILL_LEVEL, FILL_LEVEL, 255))
    return Image.alpha_composite(grey, picture.convert("RGBA")).convert("RGB")


def _to_srgb(picture: Image.Image) -> Image.Image:
    """Return `picture` converted to sRGB, if its file contains a colour profile.

    Telephones photograph in Display P3, and artists export in Adobe RGB. If the numbers of such a
    file were taken as sRGB, the colours would be duller. A profile that cannot be used is ignored;
    viewers do the same.
    """
    profile = picture.info.get("icc_profile")
    if not profile:
        return picture
    if picture.mode == "P" or "transparency" in picture.info:
        # A profile applies to colours, not to indices of a palette. A converted picture cannot have
        # one colour that means transparent.
        picture = picture.convert("RGBA" if picture.has_transparency_data else "RGB")
    if picture.mode not in ("RGB", "RGBA", "CMYK", "L"):
        return picture
    mode = "RGBA" if picture.mode == "RGBA" else "RGB"
    try:
        own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        converted = ImageCms.profileToProfile(picture, own, SRGB, outputMode=mode)
    except (ImageCms.PyCMSError, OSError):
        return picture
    assert converted is not None
    return converted
