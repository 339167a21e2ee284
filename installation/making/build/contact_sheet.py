"""The contact sheet: the squares cut from an artist's pictures, as one PNG in the set's folder.

The sheet has a strip for each row of labels.csv, with the squares that the network was given.
Pictures in which no face was found are crossed out, unless the row is background. The sheet
contains pictures, so it is not part of a set's zip.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PIL import Image, ImageDraw

from installation.errors import counted, display_path, ellipsize
from installation.making.atomic_write import replacing
from installation.making.build.example_pictures import NO_REGION, Picture, Region, decode_again
from installation.making.build.picture_file import PictureError
from installation.naming.label_set.folder import CONTACT_SHEET_FILE
from installation.naming.label_set.label_set import LabelSetSource
from installation.naming.reading.crops import FILL_LEVEL
from installation.showing.type.fonts import Fonts

TILE_PX = 120
GAP_PX = 8
TEXT_PX = 20
COLUMNS = 12
"""The largest number of squares in a row of the sheet."""
MIN_COLUMNS = 5
"""The least number of columns, so that the titles fit."""
MAX_ROWS = 60
MAX_TILES = 720
"""The largest number of squares on a sheet; decoding them takes half a minute at most."""

PAPER = (250, 250, 250)
INK = (20, 20, 20)
CROSS = (210, 30, 30)


def write_contact_sheet(
    source: LabelSetSource, pictures: Sequence[Picture], regions: Mapping[str, Region]
) -> str:
    """Write the contact sheet of `pictures`, and return a sentence that says where it is.

    `regions` has the square of each picture, keyed by `Picture.key`. Raises LabelSetError if the
    sheet cannot be written.
    """
    rows = sorted({picture.row for picture in pictures})[:MAX_ROWS]
    most = max(COLUMNS, MAX_TILES // max(1, len(rows)) // COLUMNS * COLUMNS)
    strips = []
    for row in rows:
        whole = [picture for picture in pictures if picture.row == row]
        rest = len(whole) - most
        title = source.rows[row].id + (f" (and {rest} more)" if rest > 0 else "")
        background = source.rows[row].background
        tiles = [_tile(each, regions[each.key], background) for each in whole[:most]]
        strips.append(_strip(title, tiles))
    sheet = _stack(strips)
    file = source.folder / CONTACT_SHEET_FILE
    with replacing(file) as opened:
        sheet.save(opened, "PNG")
    faceless = sum(
        regions[picture.key] == NO_REGION and not source.rows[picture.row].background
        for picture in pictures
    )
    lacking = (
        f"; crossed out, as no face was found: {counted(faceless, 'picture')}" if faceless else ""
    )
    return f"{display_path(file)} shows which part of each picture the network gets{lacking}."


def _tile(picture: Picture, region: Region, background: bool) -> Image.Image:
    """Return the square that was cut from a picture, crossed out if the picture is not used."""
    tile = Image.new("RGB", (TILE_PX, TILE_PX), (FILL_LEVEL,) * 3)
    try:
        pixels = decode_again(picture, 4 * TILE_PX).pixels
    except PictureError:  # the file was replaced after the picture was encoded
        return tile
    whole = Image.fromarray(pixels)
    shorter = min(whole.size)
    left, top, side = (round(part * shorter) for part in region)
    if region == NO_REGION:
        left, top, side = (whole.width - shorter) // 2, (whole.height - shorter) // 2, shorter
    square = Image.new("RGB", (side, side), (FILL_LEVEL,) * 3)
    square.paste(whole, (-left, -top))
    tile = square.resize((TILE_PX, TILE_PX))
    if region == NO_REGION and not background:
        draw = ImageDraw.Draw(tile)
        for start, end in ((0, TILE_PX), (TILE_PX, 0)):
            draw.line((0, start, TILE_PX, end), CROSS, 4)
    return tile


def _strip(title: str, tiles: Sequence[Image.Image]) -> Image.Image:
    """Return the sheet's part for one row of labels.csv: the `title`, and the squares below it."""
    lines = -(-len(tiles) // COLUMNS)
    step = TILE_PX + GAP_PX
    columns = max(MIN_COLUMNS, min(COLUMNS, len(tiles)))
    size = (columns * step + GAP_PX, TEXT_PX + 2 * GAP_PX + lines * step)
    strip = Image.new("RGB", size, PAPER)
    fonts = Fonts()
    ink = fonts.ink(fonts.replace_lacking(ellipsize(title)), TEXT_PX)
    if ink is not None:
        baseline = GAP_PX // 2 + TEXT_PX
        strip.paste(INK, (GAP_PX + ink.left, baseline + ink.top), Image.fromarray(ink.alpha))
    for i, tile in enumerate(tiles):
        at = (GAP_PX + i % COLUMNS * step, TEXT_PX + 2 * GAP_PX + i // COLUMNS * step)
        strip.paste(tile, at)
    return strip


def _stack(strips: Sequence[Image.Image]) -> Image.Image:
    """Return all strips, one below the other."""
    height = sum(strip.height for strip in strips)
    width = max(strip.width for strip in strips)
    sheet = Image.new("RGB", (width, height), PAPER)
    top = 0
    for strip in strips:
        sheet.paste(strip, (0, top))
        top += strip.height
    return sheet
