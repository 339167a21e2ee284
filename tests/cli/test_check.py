"""Tests of `kiosk check`: whatever the show would refuse, it refuses before."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from safetensors.numpy import save_file

from installation.cli.check import _camera_with_controls, check_controls
from installation.errors import CameraError, Mistake, SettingsError
from installation.seeing.cameras import named_controls, webcam
from installation.seeing.cameras import open as opening
from installation.seeing.cameras.named_controls import find_mistakes
from installation.settings.kiosk import CameraSettings, Settings
from installation.settings.source import Device, Rehearsal
from installation.settings.yaml_file import parse_yaml
from tests.support.fake_controls import PRIORITY, FakeControls
from tests.support.project import LABELS, LABELSET, Project, assert_refused


def test_check_says_what_the_show_will_be(project: Project) -> None:
    """`kiosk check` prints the parts of the show, and how many labels are hidden."""
    outcome = project.kiosk("check")
    assert outcome.returncode == 0, outcome.stderr
    assert outcome.stderr == ""
    assert outcome.stdout.startswith("kiosk.yaml has no mistakes. The show will be:\n")
    assert "Three fish (models/fish), 2 of 3 labels" in outcome.stdout
    assert "1 by reason: 1 unseen" in outcome.stdout
    assert "1280×720 at 30 frames a second are requested" in outcome.stdout
    assert (
        "after at least 1.2 s and 3 readings, if at least 60% of the readings agree"
        in outcome.stdout
    )


def test_check_names_no_hidden_label(project: Project) -> None:
    """`kiosk check` never prints a hidden label."""
    outcome = project.kiosk("check")
    assert "shark" not in outcome.stdout + outcome.stderr


@pytest.mark.parametrize(
    ("text", "row"),
    [
        ("language: en", "English"),
        ("language: de", "Deutsch; the labels have no names in this language"),
        ("language: fr", "Français"),
        (
            "language: la",
            "English; only the labels are in 'la', because the kiosk has no words in 'la'",
        ),
        (
            "words:\n  reading: Patience.\n  loading: Soon.",
            "English; these texts are the curator's own: reading, loading",
        ),
    ],
)
def test_check_says_which_languages_are_shown(project: Project, text: str, row: str) -> None:
    """The row `language` says which language the words and the labels are in."""
    header, rest = LABELS.split("\n", 1)
    rows = "".join(f"{line},,\n" for line in rest.splitlines())
    project.write("models/fish/labels.csv", f"{header},name_fr,name_la\n{rows}")
    project.write("kiosk.yaml", f"labels: fish\n{text}\n")
    checked = project.kiosk("check")
    assert f"  language      {row}\n" in checked.stdout, checked.stderr


def test_a_sentence_that_no_font_can_draw_is_named_with_its_line(project: Project) -> None:
    """A sentence of the curator's in a script without a font is reported with its line."""
    project.write("kiosk.yaml", "labels: fish\nwords:\n  loading: Soon.\n  reading: ᏣᎳᎩ\n")
    assert_refused(
        project.kiosk("check", PATH=""),
        "kiosk.yaml:4: no font on this machine can draw Ꭹ (U+13A9), Ꮃ (U+13B3), Ꮳ (U+13E3), in "
        "Cherokee. Install one",
    )


def test_only_labels_that_are_shown_need_a_font(project: Project) -> None:
    """A label's name in another script needs a font only if that language is shown."""
    header, first, *rest = LABELS.splitlines()
    rows = [f"{header},name_chr", f"{first},ᎠᏣᏗ", *(f"{row}," for row in rest)]
    project.write("models/fish/labels.csv", "\n".join(rows))
    assert project.kiosk("check", PATH="").returncode == 0
    project.write("kiosk.yaml", "labels: fish\nlanguage: chr\n")
    assert_refused(
        project.kiosk("check", PATH=""),
        "models/fish/labels.csv:2: no font on this machine can draw Ꭰ (U+13A0), Ꮧ (U+13D7), ",
    )


def test_check_repeats_what_the_curator_acknowledged(project: Project) -> None:
    """`content.acknowledged` is printed, and the labels that it allows are counted."""
    sentence = "We show sharks because the aquarium asked for them."
    project.write(
        "kiosk.yaml", f"labels: fish\ncontent:\n  hide: [slur]\n  acknowledged: {sentence}\n"
    )
    outcome = project.kiosk("check")
    assert sentence in outcome.stdout
    assert "3 of 3 labels" in outcome.stdout


def test_check_repeats_why_visitors_are_told_late(project: Project) -> None:
    """`kiosk check` prints how long the notice is shown, and the reason that the curator gave."""
    sentence = "A guard tells everybody at the door, says the director."
    text = f"labels: fish\nreading:\n  announce_s: 1\n  acknowledged: {sentence}\n"
    project.write("kiosk.yaml", text)
    outcome = project.kiosk("check")
    assert sentence in outcome.stdout
    assert "they see the notice for 1 s before they are classified" in " ".join(
        outcome.stdout.split()
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "kiosk.yaml: the file is empty. "),
        (b"\x89PNG\r\n\0\0", "kiosk.yaml: the file is not text"),
        ("labels: fish\ncamra:\n", "kiosk.yaml:2: camra is not a setting. Did you mean 'camera'?"),
        ("camera:\n  fps: fast\nlabels: fish", "kiosk.yaml:2: camera.fps is 'fast' (expected a "),
        ("labels: fish\ncamera: {fps: 0}\n", "kiosk.yaml:2: camera.fps is 0 (expected a whole "),
        (
            "# a show\nlabels: fsh\n",
            "kiosk.yaml:2: labels is 'fsh', but no such label set exists. D",
        ),
        (
            "labels: fish\n\ncamera: {source: a.mp4}\n",
            "kiosk.yaml:3: camera.source is 'a.mp4', which does not exist",
        ),
        ("labels: fish\ncontent: {hide: []}\n", "kiosk.yaml:2: content.hide lacks slur, "),
    ],
)
def test_a_wrong_file_is_one_error(project: Project, content: str | bytes, message: str) -> None:
    """Each mistake in kiosk.yaml is one line with its place, and the exit status is 2."""
    project.write("kiosk.yaml", content)
    assert_refused(project.kiosk("check"), message)


def test_a_missing_file_is_one_error(project: Project) -> None:
    """A kiosk.yaml that does not exist is reported under the name that was typed."""
    assert_refused(
        project.kiosk("check", "shows/kiosk.yaml"), "shows/kiosk.yaml: this file does not exist. "
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("id,name,definition,parent\n", "models/fish/labels.csv: the file has no labels"),
        (
            LABELS.replace("goldfish", "tench"),
            "models/fish/labels.csv:3: the name 'tench' occurs",
        ),
        (
            LABELS.replace("n01443537", "f1").replace("goldfish", ""),
            "models/fish/labels.csv:3: the",
        ),
        (
            LABELS.replace("tench", "Döbel").encode("latin-1"),
            "models/fish/labels.csv:2: the file is not",
        ),
        ("\n".join(LABELS.splitlines()[::3]) + "\n", "models/fish/labels.csv: no label is visible"),
    ],
)
def test_a_wrong_label_set_is_an_error(
    project: Project, content: str | bytes, message: str
) -> None:
    """`kiosk check` reports mistakes in the label set's files, with their lines."""
    project.write("models/fish/labels.csv", content)
    outcome = project.kiosk("check")
    assert outcome.returncode == 2
    assert outcome.stderr.startswith(message)
    assert "Traceback" not in outcome.stderr


def test_a_label_set_that_is_not_built_is_one_error(project: Project) -> None:
    """A label set that is not built, or was built for other text, is reported."""
    project.write("models/fish/labelset.yaml", LABELSET.replace("classes", "text"))
    built = "models/fish/built.safetensors: "
    rebuild = "Run: kiosk labels build fish"
    assert_refused(project.kiosk("check"), f"{built}the label set is not built yet. {rebuild}")
    stale = {"method": "text", "labels_sha256": "0"}
    save_file({}, project.folder / "models/fish/built.safetensors", stale)
    assert_refused(
        project.kiosk("check"),
        f"{built}labels.csv, labelset.yaml or the kiosk's own sentences have changed since this "
        f"file was built. {rebuild}",
    )
    project.write("models/fish/built.safetensors", b"cut off")
    assert_refused(project.kiosk("check"), f"{built}the file is damaged (the header has ")


def test_a_film_that_cannot_be_decoded_is_one_error(project: Project) -> None:
    """A film that cannot be decoded is reported before the show."""
    project.write("film.mp4", b"this is no film")
    project.write("kiosk.yaml", "labels: fish\ncamera: {source: film.mp4}\n")
    assert_refused(project.kiosk("check"), "film.mp4: this file cannot be decoded")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "detector: yunet",
            "{folder}/models/weights/face_detection_yunet_2023mar.onnx: the file cannot be",
        ),
        ("camera: {source: /dev/v4l/by-id/usb-none}", "kiosk.yaml:2: camera.source is /dev/v4l/by"),
        ("camera: {source: 250}", "kiosk.yaml:2: camera.source is /dev/video250, which is not plu"),
        (
            "camera: {source: /dev/null}",
            "kiosk.yaml:2: camera.source is /dev/null, a device that does",
        ),
        (
            "camera: {source: /dev}",
            "kiosk.yaml:2: camera.source is /dev, a folder that does not capture video",
        ),
        ("camera: {source: models}", "models: this folder contains no pictures (expected .jpeg"),
        ("screen: {display: 9}", "kiosk.yaml:2: screen.display is 9, but this machine has 1 displ"),
        (
            "device: mps",
            "kiosk.yaml:2: device is 'mps', a Mac's graphics processor, but this machine",
        ),
    ],
)
def test_check_refuses_what_the_show_refuses(project: Project, line: str, message: str) -> None:
    """`check` reports everything that the show would refuse."""
    project.write("kiosk.yaml", f"labels: fish\n{line}\n")
    outcome = project.kiosk("check", SDL_VIDEODRIVER="dummy")
    assert_refused(outcome, message.format(folder=project.folder))


@pytest.mark.parametrize(
    ("display", "environment", "screen"),
    [
        ("7", {}, "display 7, not checked, because this session has no display"),
        ("0", {"DISPLAY": ":9753"}, "display 0, not checked, because this session has no display"),
        ("0", {"SDL_VIDEODRIVER": "dummy"}, "display 0"),
        ("auto", {}, "the first display; no screen if the machine has no display"),
    ],
)
def test_check_says_what_it_could_not_check(
    project: Project, display: str, environment: dict[str, str], screen: str
) -> None:
    """The message says that the number of a display cannot be checked over ssh."""
    none = dict.fromkeys(("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER"), "")
    project.write("kiosk.yaml", f"labels: fish\nscreen: {{display: {display}}}\n")
    outcome = project.kiosk("check", **none | environment)
    assert f"screen        {screen}\n" in outcome.stdout, outcome.stderr
    assert outcome.stderr == ""


def test_check_loads_no_network(project: Project) -> None:
    """`kiosk check` answers without importing torch."""
    program = (
        "import sys; from installation.cli.main import main; "
        "sys.exit(main(['check']) or 'torch' in sys.modules)"
    )
    assert project.python("-c", program).returncode == 0


def test_check_names_what_the_camera_does_not_take(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before opening hours each control is compared with the camera, which stays as it is."""
    driver, node = FakeControls.without(PRIORITY), tmp_path / "video0"
    node.touch()
    monkeypatch.setattr(webcam, "check_node", lambda _: None)
    monkeypatch.setattr(named_controls, "find_mistakes", partial(find_mistakes, ioctl=driver.ioctl))
    camera = (
        "mains: 50",
        "focus: 251",
        "keep_rate: true",
        "controls:",
        "  zoom_absolute: 100",
        "  zoom: 3",
    )
    loaded = parse_yaml("\n  ".join(("camera:", *camera)), "kiosk.yaml", Settings, SettingsError)
    settings = replace(loaded, settings=with_source(loaded.settings, Device(node)))
    with pytest.raises(CameraError) as caught:
        check_controls(settings)
    assert [str(mistake)[:38] for mistake in caught.value.mistakes] == [
        "kiosk.yaml:3: focus is 251 (expected a",
        "kiosk.yaml:4: keep_rate is true, but t",
        "kiosk.yaml:7: this camera has no contr",
    ]
    assert driver.calls == []
    node.unlink()
    monkeypatch.undo()
    check_controls(settings)  # `check_camera` reports a camera that is not plugged in


def test_check_says_which_controls_are_set(project: Project) -> None:
    """The curator reads the controls, and that the rehearsal has none."""
    project.write(
        "kiosk.yaml",
        "labels: fish\ncamera: {source: rehearsal, exposure: 1/50, controls: {zoom: 3}}\n",
    )
    outcome = project.kiosk("check")
    assert outcome.returncode == 0
    words = " ".join(outcome.stdout.split())
    named = "controls exposure 20 ms (1/50 s), controls.zoom 3"
    assert f"{named}; not set, because the source is not a camera" in words


def test_check_says_why_controls_were_not_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a camera, or without the right to use it, nothing is compared in silence."""
    monkeypatch.setattr(opening, "resolve", lambda _: (Rehearsal(), "no camera found"))
    unknown = None, "not compared with the camera's controls: no camera found"
    assert _camera_with_controls(CameraSettings()) == unknown
    monkeypatch.setattr(opening, "resolve", lambda _: (Device(7), None))
    denied = Mistake("/dev/video7", "this user has no permission", "Join the group video.")
    monkeypatch.setattr(webcam, "check_node", lambda _: denied)
    reason = "not compared with the camera's controls: this user has no permission"
    assert _camera_with_controls(CameraSettings()) == (None, reason)


def with_source(settings: Settings, source: Device) -> Settings:
    """Return `settings` with the camera `source`."""
    camera = settings.camera.model_copy(update={"source": source})
    return settings.model_copy(update={"camera": camera})
