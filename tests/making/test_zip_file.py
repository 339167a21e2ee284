from __future__ import annotations

import errno
import io
import os
import re
import shutil
import stat
import struct
import sys
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path, PosixPath
from types import FrameType
from typing import Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

import pytest

from installation.errors import LabelSetError
from installation.making import watch, zip_file
from installation.making.check_set import check_lines
from installation.making.zip_file import export, import_
from installation.naming.label_set.hiding import SAFE
from installation.naming.label_set.load import load_label_set
from installation.settings.kiosk import ContentSettings
from installation.settings.paths import MODELS
from tests.support.made_examples import made_examples
from tests.support.made_networks import WEATHER, made_hf, made_onnx, write_set
from tests.support.project import Project

SHIPPED = "kindnesses"


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """Return a folder of label sets that contains a shipped set."""
    shutil.copytree(MODELS / SHIPPED, tmp_path / "models" / SHIPPED)
    return tmp_path / "models"


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """Return another artist's folder of label sets, with one set of their own."""
    own = tmp_path / "elsewhere" / "models" / "own"
    own.mkdir(parents=True)
    (own / "labelset.yaml").write_text("title: theirs\n")
    return own.parent


@pytest.fixture
def zip_(models: Path, tmp_path: Path) -> Path:
    """Return the shipped set as a zip."""
    return export(SHIPPED, models, tmp_path)


def tree(folder: Path) -> dict[str, bytes | None]:
    """Return the contents of `folder`, keyed by path: the bytes of files, None for folders."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


def refused(act: Callable[[], object]) -> str:
    """Return the message of a zip or set that is refused."""
    with pytest.raises(LabelSetError) as caught:
        act()
    return str(caught.value)


def test_an_imported_set_is_the_exported_one(models: Path, elsewhere: Path, tmp_path: Path) -> None:
    """A set that one artist exports and another imports has the same bytes, and can be shown."""
    imported = import_(export(SHIPPED, models, tmp_path), elsewhere)
    assert tree(elsewhere / SHIPPED) == tree(MODELS / SHIPPED)
    label_set = load_label_set(SHIPPED, ContentSettings(), elsewhere)
    assert imported.title == label_set.settings.title
    assert imported.labels == label_set.size
    assert imported.folder == label_set.folder
    mode = stat.S_IMODE((elsewhere / SHIPPED / "labels.csv").stat().st_mode)
    assert mode & 0o444 == 0o444, "the user who runs the show can read it"


def test_an_imported_set_of_examples_is_checked_and_watched_without_its_pictures(
    tmp_path: Path, elsewhere: Path
) -> None:
    """For an imported set without its pictures, no missing folder is reported."""
    made_examples(tmp_path)
    name = import_(export("examples", tmp_path, tmp_path), elsewhere).name
    lines = list(check_lines(name, elsewhere))
    assert lines[0] == "models/examples has no mistakes: 2 labels shown, 1 hidden, built."
    assert not any("folder" in line or "ictures" in line for line in lines)
    logged: list[str] = []
    watch.build_if_stale(name, SAFE, logged.append, elsewhere)
    assert logged == []


def test_a_set_can_be_imported_under_another_name(zip_: Path, models: Path) -> None:
    """A set imported under another name does not change the set with its original name."""
    before = tree(models / SHIPPED)
    assert import_(zip_, models, "kinder").folder == models / "kinder"
    assert tree(models / "kinder") == before == tree(models / SHIPPED)


@pytest.mark.parametrize("name", [SHIPPED, SHIPPED.upper()])
def test_an_existing_set_is_never_changed(zip_: Path, models: Path, name: str) -> None:
    """A name that is taken, in upper or lower case, is an error with its remedy."""
    before = tree(models)
    assert "Import under another name: add --as NAME." in refused(
        lambda: import_(zip_, models, name)
    )
    assert tree(models) == before


@pytest.mark.parametrize("name", ["../out", "/tmp/out", ".hidden", "a/b", "", "weights", "a" * 61])
def test_a_set_that_is_imported_gets_a_plain_name(zip_: Path, elsewhere: Path, name: str) -> None:
    """A name that leads out of models/, is hidden, or is reserved, is refused."""
    before = tree(zip_.parent)
    assert "cannot be the name of a set" in refused(lambda: import_(zip_, elsewhere, name))
    assert tree(zip_.parent) == before


def test_the_command_describes_the_imported_set(zip_: Path, project: Project) -> None:
    """`kiosk labels import` prints the set's title, credit and number of labels."""
    outcome = project.kiosk("labels", "import", str(zip_), "--as", "kinder")
    assert (outcome.returncode, outcome.stderr) == (0, "")
    first = "models/kinder has been imported: Kindnesses (68 labels; written for this kiosk)."
    assert outcome.stdout.splitlines()[0] == first
    empty = project.kiosk("labels", "import", str(zip_), "--as", "")
    assert empty.returncode == 2
    assert "'' cannot be the name of a set" in empty.stderr


@pytest.mark.parametrize("key", ["title", "credit"])
@pytest.mark.parametrize("letters", ["\\e[2J", "\\r", "\\n", "\\u202e"])
def test_title_and_credit_hold_no_control_characters(
    zip_: Path, elsewhere: Path, key: str, letters: str
) -> None:
    """A set whose title or credit is not plain text on one line is refused."""
    path = f"{SHIPPED}/labelset.yaml"
    lines = contents(zip_)[path].decode().splitlines()
    lines = [f'{key}: "a{letters}b"' if line.startswith(f"{key}:") else line for line in lines]
    packed(zip_, contents(zip_) | {path: "\n".join(lines).encode()})
    words = rf"labelset.yaml:\d: {key} (holds|contains) a .*character"
    assert re.search(words, refused(lambda: import_(zip_, elsewhere)))


class Scratched(PosixPath):
    """A file that cannot be read beyond its thousandth byte."""

    def open(self, *_: object, **__: object) -> Any:
        """Return its bytes."""
        content = Path(str(self)).read_bytes()

        class Bytes(io.BytesIO):
            def read(self, size: int | None = -1) -> bytes:
                at = self.tell()
                part = super().read(size)
                if at < 1000 < at + len(part):
                    raise OSError(errno.EIO, os.strerror(errno.EIO))
                return part

        return Bytes(content)


def test_a_zip_that_cannot_be_read_differs_from_a_folder_that_cannot_be_written(
    zip_: Path, elsewhere: Path
) -> None:
    """If the zip cannot be read any more, the message names the zip."""
    answer = refused(lambda: import_(Scratched(zip_), elsewhere))
    assert answer.startswith(f"{zip_}: it cannot be read (Input/output error)")
    assert list(tree(elsewhere)) == ["own", "own/labelset.yaml"]


@pytest.mark.parametrize(
    "examples", ["/srv/faces", "../faces", "C:/faces", "a/../../faces", "..\\\\a"]
)
def test_pictures_are_in_the_sets_own_folder(
    zip_: Path, models: Path, elsewhere: Path, examples: str
) -> None:
    """A set with its pictures outside its folder is neither imported nor exported."""
    line = f'\nexamples: "{examples}"\n'.encode()
    yaml = contents(zip_)[f"{SHIPPED}/labelset.yaml"] + line
    strange = packed(zip_, contents(zip_) | {f"{SHIPPED}/labelset.yaml": yaml})
    answer = refused(lambda: import_(strange, elsewhere))
    assert answer.startswith(f"{zip_}/{SHIPPED}/labelset.yaml: examples is '")
    assert answer.endswith("Ask its author to correct it and to export it again.")
    assert list(tree(elsewhere)) == ["own", "own/labelset.yaml"]
    (models / SHIPPED / "labelset.yaml").write_bytes(yaml)
    assert "create a link named examples that leads to" in refused(
        lambda: export(SHIPPED, models, zip_, force=True)
    )


def test_a_network_of_the_sets_own_is_imported_with_all_its_files(
    tmp_path: Path, elsewhere: Path
) -> None:
    """A folder from Hugging Face is exchanged whole, with its preprocessor_config.json."""
    folder = made_hf(tmp_path).folder
    (folder / "preprocessor_config.json").write_text("{}")
    import_(export("made-hf", tmp_path, tmp_path), elsewhere)
    assert tree(elsewhere / "made-hf") == tree(folder)


def test_a_strangers_network_is_checked_before_it_has_a_name(
    tmp_path: Path, elsewhere: Path
) -> None:
    """A network that must not be opened, a missing one, and two of them are refused."""
    folder = made_onnx(tmp_path).folder
    whole = contents(export("made-onnx", tmp_path, tmp_path / "whole.zip"))
    network = f"{folder.name}/classifier.onnx"
    zip_ = tmp_path / "strange.zip"
    for inside, expected in (
        (whole | {network: whole[network].replace(b"Relu", b"Loop")}, "the operation 'Loop'"),
        (whole | {network: b"hello"}, "the file is not an ONNX file"),
        ({path: data for path, data in whole.items() if path != network}, "no network found"),
        (whole | {f"{folder.name}/model.safetensors": b""}, "two networks found"),
    ):
        answer = refused(lambda: import_(packed(zip_, inside), elsewhere))  # noqa: B023  called now
        assert answer.startswith(f"{zip_}/made-onnx")
        assert expected in answer
    assert list(tree(elsewhere)) == ["own", "own/labelset.yaml"]
    (folder / "classifier.onnx").write_bytes(b"hello")
    assert "the file is not an ONNX file" in refused(
        lambda: export("made-onnx", tmp_path, tmp_path)
    )


def test_pictures_stay_with_the_artist(models: Path, tmp_path: Path) -> None:
    """A zip contains only the known files of a set: no pictures and no other folders."""
    (models / SHIPPED / "examples").mkdir()
    for stranger in ("examples/face.jpg", "face.png", "notes.txt", "labels.csv~", ".DS_Store"):
        (models / SHIPPED / stranger).write_bytes(b"\xff\xd8")
    (models / SHIPPED / "card.md").write_text("# Kindnesses\n")
    with ZipFile(export(SHIPPED, models, tmp_path)) as archive:
        assert archive.namelist() == [
            f"{SHIPPED}/{file}"
            for file in ("built.safetensors", "card.md", "labels.csv", "labelset.yaml")
        ]


def test_the_same_set_gives_the_same_bytes(models: Path, tmp_path: Path) -> None:
    """A zip contains neither the date nor the user of its export."""
    first = export(SHIPPED, models, tmp_path / "first.zip").read_bytes()
    for file in (models / SHIPPED).iterdir():
        os.utime(file, (0, 0))
        file.chmod(0o600)
    assert export(SHIPPED, models, tmp_path / "second.zip").read_bytes() == first


def test_a_zip_is_not_replaced_without_force(models: Path, zip_: Path) -> None:
    """A file that exists is only replaced with --force."""
    zip_.write_bytes(b"mine")
    assert "add --force" in refused(lambda: export(SHIPPED, models, zip_))
    assert zip_.read_bytes() == b"mine"
    assert export(SHIPPED, models, zip_, force=True).read_bytes() != b"mine"


def test_a_set_with_mistakes_or_a_stale_build_is_not_exported(models: Path, tmp_path: Path) -> None:
    """A set that cannot be shown is not exported."""
    csv = models / SHIPPED / "labels.csv"
    words = csv.read_text()
    csv.write_text(words.replace("patient company", "bad company"))
    assert "own sentences have changed since" in refused(lambda: export(SHIPPED, models, tmp_path))
    csv.write_text(words.replace("another,,", "another,,nobody", 1))
    assert "hidden_because is 'nobody'" in refused(lambda: export(SHIPPED, models, tmp_path))
    assert "the label set 'nothing' does not exist" in refused(
        lambda: export("nothing", models, tmp_path)
    )
    assert not list(tmp_path.glob("*.zip"))


def test_a_place_that_cannot_be_written_is_named(
    models: Path, zip_: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A missing folder or file is an error with its reason."""
    missing = tmp_path / "missing"
    assert "it cannot be written" in refused(lambda: export(SHIPPED, models, missing / "a.zip"))
    assert "it cannot be written" in refused(lambda: import_(zip_, missing))
    assert "this file does not exist" in refused(lambda: import_(missing, models))
    with monkeypatch.context() as patch:
        patch.chdir(zip_.parent)
        mistyped = Path(zip_.name[1:])
        assert f"Did you mean '{zip_.name}'?" in refused(lambda: import_(mistyped, models))
    assert "a folder or a device" in refused(lambda: import_(models, models))
    assert "a folder or a device" in refused(lambda: import_(Path(os.devnull), models))
    assert "it cannot be read" in refused(lambda: import_(tmp_path / ("n" * 300), models))


def packed(zip_: Path, contents: Mapping[str, bytes], method: int = ZIP_STORED) -> Path:
    """Write a zip of these entries."""
    with ZipFile(zip_, "w", method) as archive:
        for path, content in contents.items():
            archive.writestr(path, content)
    return zip_


def contents(zip_: Path) -> dict[str, bytes]:
    """Return the contents of a zip, keyed by path."""
    with ZipFile(zip_) as archive:
        return {entry.filename: archive.read(entry) for entry in archive.infolist()}


def table_of(zip_: Path) -> tuple[bytearray, int]:
    """Return a zip's bytes, and the offset of its central directory."""
    content = bytearray(zip_.read_bytes())
    return content, struct.unpack_from("<L", content, len(content) - 6)[0]


@pytest.mark.filterwarnings("ignore:Duplicate name:UserWarning")
@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("../escaped", "the path is not allowed"),
        (f"{SHIPPED}/../../escaped", "the path is not allowed"),
        ("/escaped", "the path is not allowed"),
        (f"{SHIPPED}\\labels.csv", "the path is not allowed"),
        ("C:/escaped", "the path is not allowed"),
        ("escaped", "beside the set's folder"),
        ("other/", "contains 2 folders"),
        ("other/labels.csv", "contains 2 folders"),
        (f"{SHIPPED}/more/labels.csv", "a label set has no such file"),
        (f"{SHIPPED}/labels.csv/", "a label set has no such file"),
        (f"{SHIPPED}/face.jpg", "a label set has no such file"),
        (f"{SHIPPED}/Labels.csv", "a label set has no such file"),
        (f"{SHIPPED}//labels.csv", "a label set has no such file"),
        (f"{SHIPPED.title()}/labels.csv", "contains 2 folders"),
        (f"{SHIPPED}/labels.csv", "contains a file twice"),
        ("__MACOSX/labels.csv", "packed by a Mac's Finder"),
        (".git/config.json", "name has other characters than"),
        ("ki\u202end/labels.csv", "name has other characters than"),
    ],
)
def test_a_path_is_one_known_file_in_one_folder(
    zip_: Path, elsewhere: Path, path: str, expected: str
) -> None:
    """A zip with any other path is refused before anything is unpacked."""
    before = tree(elsewhere.parent)
    with ZipFile(zip_, "a") as archive:
        archive.writestr(path, b"")
    assert expected in refused(lambda: import_(zip_, elsewhere))
    assert tree(elsewhere.parent) == before


@pytest.mark.parametrize(
    "kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO, stat.S_IFSOCK, stat.S_IFDIR]
)
def test_a_link_or_a_device_is_refused(zip_: Path, elsewhere: Path, kind: int) -> None:
    """An entry that is not a file is refused."""
    content, table = table_of(zip_)
    content[table + 38 : table + 42] = struct.pack("<L", (kind | 0o777) << 16)
    zip_.write_bytes(content)
    assert "a link, a device or a folder" in refused(lambda: import_(zip_, elsewhere))
    assert list(tree(elsewhere)) == ["own", "own/labelset.yaml"]


def test_zips_of_other_programs_are_imported(zip_: Path, elsewhere: Path) -> None:
    """A zip that lists its folder and is compressed, like those of file managers, is imported."""
    inside = {f"{SHIPPED}/": b""} | contents(zip_)
    import_(packed(zip_, inside, ZIP_DEFLATED), elsewhere)
    assert tree(elsewhere / SHIPPED) == tree(MODELS / SHIPPED)


@pytest.mark.parametrize(
    ("offset", "value", "expected"),
    [
        (8, struct.pack("<H", 1), "encrypted"),
        (8, struct.pack("<H", 0x40), "encrypted"),
        (8, struct.pack("<H", 0x20), "encrypted"),
        (10, struct.pack("<H", 12), "by a method other than deflate"),
        (10, struct.pack("<H", 14), "by a method other than deflate"),
        (24, struct.pack("<L", 2**32 - 2), "bytes (expected at most"),
        (24, struct.pack("<L", 2**28), "compressed to less than 1/100 of its size"),
        (42, struct.pack("<L", 2**31), "overlap, or extend beyond"),
        (20, struct.pack("<L", 2**31), "overlap, or extend beyond"),
        (16, b"\0\0\0\0", "Bad CRC"),
        (24, struct.pack("<L", 2**20), "damaged"),
        (24, struct.pack("<L", 1), "damaged"),
        (6, struct.pack("<H", 99), "damaged"),
    ],
)
def test_a_wrong_entry_of_the_directory_is_refused(
    zip_: Path, elsewhere: Path, offset: int, value: bytes, expected: str
) -> None:
    """Flags, methods, sizes, CRCs and offsets that do not match the bytes are refused."""
    content, table = table_of(zip_)
    content[table + offset : table + offset + len(value)] = value
    zip_.write_bytes(content)
    assert expected in refused(lambda: import_(zip_, elsewhere))
    assert list(tree(elsewhere)) == ["own", "own/labelset.yaml"]


def test_entries_that_share_bytes_are_refused(zip_: Path, elsewhere: Path) -> None:
    """Two entries with the same bytes, as in bombs of a few kilobytes, are refused."""
    content, table = table_of(zip_)
    second = content.index(b"PK\1\2", table + 4)
    content[second + 42 : second + 46] = content[table + 42 : table + 46]
    zip_.write_bytes(content)
    assert "overlap" in refused(lambda: import_(zip_, elsewhere))


def test_a_bomb_is_refused_before_it_is_unpacked(elsewhere: Path, tmp_path: Path) -> None:
    """A file that deflate compressed a thousand times is not unpacked."""
    inside = {"bomb/labelset.yaml": b"title: bomb\n", "bomb/built.safetensors": bytes(2**26)}
    bomb = packed(tmp_path / "bomb.zip", inside, ZIP_DEFLATED)
    assert bomb.stat().st_size < 2**17
    assert "compressed to less than 1/100 of its size" in refused(lambda: import_(bomb, elsewhere))


def test_more_than_the_stated_size_is_not_unpacked(elsewhere: Path, tmp_path: Path) -> None:
    """An entry of a zip is not unpacked beyond its stated size.

    The entry has 64 MiB, and states 1,000 bytes and their CRC.
    """
    inside = {"bomb/card.md": b" " * 2**26, "bomb/labelset.yaml": b"title: bomb\n"}
    bomb = packed(tmp_path / "bomb.zip", inside, ZIP_DEFLATED)
    content, table = table_of(bomb)
    content[table + 24 : table + 28] = struct.pack("<L", 1000)
    content[table + 16 : table + 20] = struct.pack("<L", zlib.crc32(b" " * 1000))
    bomb.write_bytes(content)
    sizes = []

    def watch(frame: FrameType, event: str, argument: Any) -> None:
        if event == "return" and frame.f_code.co_name == "_unpack":
            sizes.append(frame.f_locals["to"].stat().st_size)

    sys.setprofile(watch)
    try:
        refused(lambda: import_(bomb, elsewhere))
    finally:
        sys.setprofile(None)
    assert sizes[0] == 1000


@pytest.mark.parametrize(
    "change",
    [
        lambda content: b"",
        lambda content: b"PK\5\6" + bytes(18),
        lambda content: content[:-1],
        lambda content: content + b"\n",
        lambda content: b"#!/bin/sh\n" + content,
        lambda content: content[:-2] + b"\4\0note",
        lambda content: content[:-22] + b"PK\6\7" + bytes(16) + content[-22:],
        lambda content: content[1000:],
    ],
    ids=["empty", "no entry", "cut", "more behind", "more before", "comment", "zip64", "no head"],
)
def test_a_file_that_is_not_a_plain_zip_is_refused(
    zip_: Path, elsewhere: Path, change: Callable[[bytes], bytes]
) -> None:
    """A zip inside another file, or one that is cut short, is one mistake."""
    zip_.write_bytes(change(zip_.read_bytes()))
    assert refused(lambda: import_(zip_, elsewhere)).startswith(str(zip_))
    assert list(tree(elsewhere)) == ["own", "own/labelset.yaml"]


def test_a_zip_with_thousands_of_entries_is_not_read(elsewhere: Path, tmp_path: Path) -> None:
    """The central directory's size is limited before it is read into memory."""
    crowd = tmp_path / "crowd.zip"
    for count in (20, 5000):
        packed(crowd, {f"crowd/{number}": b"" for number in range(count)})
        assert "entries" in refused(lambda: import_(crowd, elsewhere))


@pytest.mark.parametrize(
    ("file", "content", "expected"),
    [
        ("labels.csv", b"id,name\n", "kindnesses/labels.csv: the file has no labels"),
        ("labelset.yaml", b"title: [", "kindnesses/labelset.yaml:1: the bracket [ that opens"),
        ("built.safetensors", b"\xff" * 100, "kindnesses/built.safetensors: the file is damaged"),
        ("card.md", b"\x1b[2J", "kindnesses/card.md:1: it contains a control character (U+001B)"),
        (
            "card.md",
            b"a\r\nmine\ryours",
            "kindnesses/card.md:2: it contains a control character (U+000D)",
        ),
        (
            "card.md",
            b"a\nb\xe2\x80\xaec",
            "kindnesses/card.md:2: it contains a direction-changing character (U+202E)",
        ),
        ("labels.txt", b"\xff", "kindnesses/labels.txt:1: the file is not UTF-8"),
    ],
)
def test_a_strangers_set_is_checked_before_it_has_a_name(
    zip_: Path, elsewhere: Path, file: str, content: bytes, expected: str
) -> None:
    """A mistake of the set is reported at its place in the zip, and no set is left."""
    packed(zip_, contents(zip_) | {f"{SHIPPED}/{file}": content})
    assert refused(lambda: import_(zip_, elsewhere)).startswith(f"{zip_}/{expected}")
    assert list(tree(elsewhere)) == ["own", "own/labelset.yaml"]


@pytest.mark.parametrize("missing", ["labelset.yaml", "labels.csv", "built.safetensors"])
def test_a_zip_without_a_needed_file_is_refused(zip_: Path, elsewhere: Path, missing: str) -> None:
    """A missing file that the set needs is named."""
    inside = contents(zip_)
    del inside[f"{SHIPPED}/{missing}"]
    assert missing in refused(lambda: import_(packed(zip_, inside), elsewhere))
    assert list(tree(elsewhere)) == ["own", "own/labelset.yaml"]


SMALL = """\
title: Fish
credit: Written for a test
root: {id: thing, name: thing, definition: something}
method: classes
"""


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Return a small set, which loads fast enough to be interrupted a hundred times."""
    folder = tmp_path / "small" / "fish"
    folder.mkdir(parents=True)
    (folder / "labelset.yaml").write_text(SMALL)
    (folder / "labels.csv").write_text("id,name,definition,parent,hidden_because\nn01443537,,,,\n")
    return folder


def interrupted_at(line: int, act: Callable[[], object]) -> bool:
    """Return whether `act` was interrupted, as by Ctrl-C, before `line` lines of zip_file.py."""
    left = line

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal left
        if frame.f_code.co_filename != zip_file.__file__:
            return None
        if event == "line":
            left -= 1
            if left == 0:
                raise KeyboardInterrupt
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        act()
    except (KeyboardInterrupt, ValueError):  # zipfile raises it if a write is interrupted
        pass
    finally:
        sys.settrace(before)
    return left <= 0


# A trace can interrupt before the end of a `with` block, where no signal can: files close later.
interrupting = pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)


@interrupting
def test_ctrl_c_leaves_a_whole_set_or_nothing(small: Path, elsewhere: Path, tmp_path: Path) -> None:
    """Interrupted at any line, an import has left nothing, or is complete."""
    zip_ = export("fish", small.parent, tmp_path)
    nothing = tree(elsewhere)
    whole = nothing | {
        path: content for path, content in tree(small.parent).items() if path.startswith("fish")
    }
    done: list[bool] = []
    while interrupted_at(len(done) + 1, lambda: import_(zip_, elsewhere)):
        after = tree(elsewhere)
        assert after in (nothing, whole), f"after line {len(done) + 1}"
        done.append(after == whole)
        shutil.rmtree(elsewhere / "fish", ignore_errors=True)
    assert tree(elsewhere) == whole
    assert done.count(False) > 50
    assert done.count(True) > 0


@interrupting
def test_ctrl_c_leaves_a_whole_zip_or_none(small: Path, tmp_path: Path) -> None:
    """Interrupted at any line, an export has left no part of a zip."""
    whole = export("fish", small.parent, tmp_path).read_bytes()
    folder = tmp_path / "out"
    folder.mkdir()
    line = 1
    while interrupted_at(line, lambda: export("fish", small.parent, folder)):
        assert tree(folder) in ({}, {"fish.zip": whole}), f"after line {line}"
        (folder / "fish.zip").unlink(missing_ok=True)
        line += 1
    assert tree(folder) == {"fish.zip": whole}
    assert line > 50


def test_a_network_in_two_files_is_exchanged(tmp_path: Path) -> None:
    """An ONNX network is exported with its second file, and is refused without it."""
    exported = Path(__file__).parents[1] / "naming" / "networks" / "exported"
    folder = write_set(tmp_path, "two", "method: onnx", *WEATHER)
    first, second = (folder / name for name in ("classifier.onnx", "classifier.onnx.data"))
    for file in (first, second):
        file.write_bytes((exported / file.name).read_bytes())
    zip_ = export("two", tmp_path, tmp_path / "two.zip")
    imported = import_(zip_, tmp_path, "copy").folder
    for file in (first, second):
        assert (imported / file.name).read_bytes() == file.read_bytes()
    second.write_bytes(second.read_bytes()[:-1])
    assert "belongs to another network" in refused(lambda: export("two", tmp_path, tmp_path))
