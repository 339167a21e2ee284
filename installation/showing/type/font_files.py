"""Finds font files for a text: in the package `manimgx-fonts`, then on the system.

The package has Noto Sans, the kiosk's own face. It has all letters of Latin, Greek and Cyrillic,
and knows the positions of their marks. The package also has Noto faces for nineteen more scripts,
in the same design. All these faces look the same on every machine. For other scripts, such as
Chinese, `search_fonts` runs fontconfig's `fc-match` before the sandbox forbids starting programs.

A letter and its marks are drawn by one face, because another font does not know where the marks
belong.
"""

from __future__ import annotations

import os
import subprocess
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import manimgx_fonts
import pygame
import pygame.font

from installation.errors import Mistake, join_first
from installation.showing.type.drawable_text import (
    clean,
    clusters,
    distinct_clusters,
    needs_no_font,
)
from installation.showing.type.face import Face
from installation.showing.type.scripts import (
    EAST_ASIAN,
    EMOJI,
    NO_SCRIPT,
    SYMBOLS,
    font_group,
    script_of,
)

PACKAGED = Path(manimgx_fonts.__file__).parent

OWN_FACE = "NotoSans[wght].ttf"
"""The kiosk's own face, for Latin, Greek and Cyrillic."""

SYMBOL_FILES = (
    PACKAGED / "NotoSansSymbols[wght].ttf",
    Path(pygame.__file__).parent / pygame.font.get_default_font(),
)
"""The files of the faces with symbols, the better one first; the second is FreeSans Bold, from
pygame.
"""

EAST_ASIAN_REGIONS = ("JP", "KR", "SC")
"""The regions Japan, Korea and China; the same character may have a different form in each."""

INSTALL = "apt-get install fontconfig fonts-noto-core fonts-noto-cjk"

FC_MATCH_TIMEOUT_S = 20

MAX_NAMED_LETTERS = 3
"""The largest number of letters that a message lists; further letters are only counted."""


@dataclass(frozen=True)
class FontFile:
    """A face in a font file; a collection has more than one."""

    path: Path
    number: int = 0


@cache
def open_face(file: FontFile) -> Face:
    """Return the face in `file`, which is opened once: later calls return the same face."""
    return Face(file.path, file.number)


def own_face() -> Face:
    """Return the kiosk's own face."""
    return open_face(FontFile(PACKAGED / OWN_FACE))


def packaged_face(cluster: str) -> Face | None:
    """Return the packaged face that draws `cluster`; None if no face can."""
    group = font_group(cluster[0])
    if group == EMOJI:
        return None
    paths = [PACKAGED / OWN_FACE, PACKAGED / f"NotoSans{group.replace(' ', '')}[wght].ttf"]
    if group == SYMBOLS:
        paths += SYMBOL_FILES
    faces = (open_face(FontFile(path)) for path in paths if path.is_file())
    return next((face for face in faces if face.covers(cluster)), None)


def find_faces(texts: Iterable[str]) -> tuple[dict[str, Face], set[str]]:
    """Return a face for each cluster of `texts`, and the set of clusters that no face can draw."""
    faces: dict[str, Face] = {}
    groups: dict[str, set[str]] = {}
    wanted = distinct_clusters(texts)
    for cluster in wanted | {cluster[0] for cluster in wanted}:
        if needs_no_font(cluster):
            continue
        face = packaged_face(cluster)
        if face:
            faces[cluster] = face
        else:
            groups.setdefault(font_group(cluster[0]), set()).add(cluster)
    missing: set[str] = set()
    for group, left in sorted(groups.items()):
        found = {} if group == EMOJI else _find_on_system(group, _region(group, left), left)
        faces |= found
        missing |= left - found.keys()
    return faces, missing & wanted


def search_fonts(letters: Iterable[str]) -> None:
    """Search for fonts for `letters` now, because a later search cannot start programs.

    Letters that no font has are not reported here, but when a text needs them.
    """
    letters = set(letters)
    find_faces(letters)
    # The region of the fonts depends on the texts that are shown together; it is not known yet.
    if east_asian := {each for each in letters if font_group(each) == EAST_ASIAN}:
        for region in EAST_ASIAN_REGIONS:
            _find_on_system(EAST_ASIAN, region, east_asian)


def undrawable(texts: Mapping[str, str]) -> list[Mistake]:
    """Return a mistake for each text with letters that no font of this machine can draw.

    `texts` are keyed by the location that the mistake names, such as `labels.csv:7`.
    """
    missing = find_faces(texts.values())[1]
    mistakes = []
    for place, text in texts.items() if missing else ():
        lacking = [each for each in dict.fromkeys(clusters(clean(text))) if each in missing]
        if lacking:
            mistakes.append(no_font(place, lacking))
    return mistakes


def no_font(where: str, missing: Iterable[str]) -> Mistake:
    """Return the mistake for the text at `where`, whose clusters `missing` no font can draw."""
    missing = sorted(missing)
    groups = sorted({font_group(cluster[0]) for cluster in missing})
    letters = [f"{cluster} ({_code_points(cluster)})" for cluster in missing]
    problem = f"no font on this machine can draw {join_first(letters, MAX_NAMED_LETTERS)}"
    never = [letter for cluster, letter in zip(missing, letters, strict=True) if _is_never(cluster)]
    remedy = f"Install one, for example: {INSTALL}."
    if len(never) == len(letters):
        remedy = "Remove the letters."
    elif never:
        remedy = f"Remove {join_first(never, MAX_NAMED_LETTERS)}, and install a font for the other "
        remedy += f"letters, for example: {INSTALL}."
    scripts = [group for group in groups if group != NO_SCRIPT]
    return Mistake(where, problem + (f", in {' and '.join(scripts)}" if scripts else ""), remedy)


def _is_never(cluster: str) -> bool:
    """Return whether no font can be installed for `cluster`: an emoji, or a letter without meaning.

    A letter without meaning is a noncharacter, or a character of a private-use area, such as
    Apple's logo. Such a character has a meaning only in one font.
    """
    letter = cluster[0]
    has_no_meaning = unicodedata.category(letter) == "Co" or ord(letter) & 0xFFFE == 0xFFFE
    return has_no_meaning or font_group(letter) == EMOJI


def _code_points(cluster: str) -> str:
    return " ".join(f"U+{ord(letter):04X}" for letter in cluster)


def _region(group: str, wanted: set[str]) -> str:
    """Return the region whose forms of Chinese characters suit the clusters `wanted`.

    The result is empty if `group` is not the East Asian scripts.
    """
    if group != EAST_ASIAN:
        return ""
    scripts = {script_of(letter) for cluster in wanted for letter in cluster}
    return "JP" if scripts & {"Hira", "Kana"} else "KR" if scripts == {"Hang"} else "SC"


def _find_on_system(group: str, region: str, wanted: set[str]) -> dict[str, Face]:
    """Return a font of the system for each grapheme cluster in `wanted`, keyed by cluster.

    Clusters that no font of the system can draw are left out.
    """
    faces: dict[str, Face] = {}
    left = set(wanted)
    known = _system_faces.setdefault((group, region), [])
    for each in known:
        found = {cluster for cluster in left if each.covers(cluster)}
        faces |= dict.fromkeys(found, each)
        left -= found
    while left:
        file = _match(group, region, left)
        face = open_face(file) if file else None
        found = {cluster for cluster in left if face and face.covers(cluster)}
        if face is None or not found:
            break
        known.append(face)
        faces |= dict.fromkeys(found, face)
        left -= found
    return faces


_system_faces: dict[tuple[str, str], list[Face]] = {}
"""The faces found on the system, keyed by group of scripts and region; they are stored because they
can be found only by starting a program.
"""


def _match(group: str, region: str, wanted: set[str]) -> FontFile | None:
    """Return the font that fontconfig finds best for `wanted`; None if no font is installed."""
    letters = {letter for cluster in wanted for letter in cluster}
    families = [f"Noto Sans {group}"]
    if region:
        families = [f"Noto Sans CJK {region}", f"Noto Sans {region}"]
    charset = " ".join(sorted(f"{ord(letter):x}" for letter in letters))
    pattern = f"{','.join([*families, 'sans-serif'])}:bold:variable=False:charset={charset}"
    try:
        answer = subprocess.run(
            ["fc-match", "--format=%{index} %{file}", pattern],
            capture_output=True,
            check=True,
            timeout=FC_MATCH_TIMEOUT_S,
            text=True,
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    index, _, path = answer.partition(" ")
    if not os.path.isfile(path):
        return None
    # The upper half of fontconfig's index is the named instance of a variable font.
    return FontFile(Path(path), int(index) & 0xFFFF)
