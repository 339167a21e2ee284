from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from safetensors.numpy import save_file

from installation.cli.main import main
from installation.settings.paths import PROJECT
from tests.support.children import needs_guard

LABELSET = """\
title: Three fish
credit: the test
root: {id: n00015388, name: animal, definition: a living organism}
method: classes
"""

LABELS = """\
id,name,definition,parent,hidden_because
n01440764,tench,a freshwater fish,,
n01443537,goldfish,"small, golden or orange",,
n01484850,great white shark,a large shark,,unseen
"""


@dataclass(frozen=True)
class Project:
    """A kiosk of its own: the package, a kiosk.yaml, and a small label set."""

    folder: Path

    def write(self, path: str, content: str | bytes) -> None:
        """Write a file of the project anew."""
        data = content.encode() if isinstance(content, str) else content
        (self.folder / path).write_bytes(data)

    def kiosk(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run `kiosk` in the project's folder."""
        return self.python("-m", "installation", *arguments, **environment)

    def python(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run Python in the project's folder, where it finds the project's own package first."""
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=self.folder,
            env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Return a kiosk that shows three fish, one of them hidden."""
    folder = tmp_path / "a kiosk"
    shutil.copytree(PROJECT / "installation", folder / "installation")
    (folder / "models" / "fish").mkdir(parents=True)
    project = Project(folder)
    project.write("kiosk.yaml", "labels: fish\n")
    project.write("models/fish/labelset.yaml", LABELSET)
    project.write("models/fish/labels.csv", LABELS)
    return project


def assert_refused(outcome: subprocess.CompletedProcess[str], *messages: str) -> None:
    """Assert that the command said `messages`, each in a line of its own, and nothing else."""
    lines = outcome.stderr.splitlines()
    assert len(lines) == len(messages), outcome.stderr
    for line, message in zip(lines, messages, strict=True):
        assert line.startswith(message)
    assert outcome.stdout == ""
    assert outcome.returncode == 2


def test_check_says_what_the_show_will_be(project: Project) -> None:
    """Silence is not success: `kiosk check` describes the show and counts what is hidden."""
    outcome = project.kiosk("check")
    assert outcome.returncode == 0, outcome.stderr
    assert outcome.stderr == ""
    assert outcome.stdout.startswith("kiosk.yaml is right. The show will be:\n")
    assert "Three fish (models/fish), 2 of 3 labels" in outcome.stdout
    assert "1 by reason: 1 unseen" in outcome.stdout
    assert "1280×720 at 30 a second" in outcome.stdout
    assert "after 1.2 s, 3 readings and 60% agreement" in outcome.stdout


def test_check_names_no_hidden_label(project: Project) -> None:
    """A hidden label appears nowhere, not even for the curator who checks the file."""
    outcome = project.kiosk("check")
    assert "shark" not in outcome.stdout + outcome.stderr


@pytest.mark.parametrize(
    ("text", "row"),
    [
        ("language: en", "English"),
        ("language: de", "Deutsch; the labels have no names in it"),
        ("language: fr", "Français"),
        ("language: it", "English; the kiosk has no words in 'it', which is only the labels'"),
        (
            "words:\n  reading: Patience.\n  loading: Soon.",
            "English; in the curator's own words: reading, loading",
        ),
    ],
)
def test_check_says_which_language_the_screen_speaks(project: Project, text: str, row: str) -> None:
    """The curator reads in which language the kiosk and the labels speak to visitors."""
    header, rest = LABELS.split("\n", 1)
    rows = "".join(f"{line},,\n" for line in rest.splitlines())
    project.write("models/fish/labels.csv", f"{header},name_fr,name_it\n{rows}")
    project.write("kiosk.yaml", f"labels: fish\n{text}\n")
    checked = project.kiosk("check")
    assert f"  language      {row}\n" in checked.stdout, checked.stderr


def test_a_sentence_that_no_font_can_draw_is_named_with_its_line(project: Project) -> None:
    """A curator who writes in a script without a font reads which sentence it is."""
    project.write("kiosk.yaml", "labels: fish\nwords:\n  loading: Soon.\n  reading: אדם\n")
    assert_refused(
        project.kiosk("check", PATH=""),
        "kiosk.yaml:4: no font on this machine can draw the text in Hebrew. Install one",
    )


def test_the_labels_are_in_the_language_of_the_screen(project: Project) -> None:
    """A label's name in another script is drawn, and needs a font, where its language is shown."""
    header, first, *rest = LABELS.splitlines()
    rows = [f"{header},name_he", f"{first},טינקה", *(f"{row}," for row in rest)]
    project.write("models/fish/labels.csv", "\n".join(rows))
    assert project.kiosk("check", PATH="").returncode == 0
    project.write("kiosk.yaml", "labels: fish\nlanguage: he\n")
    assert_refused(
        project.kiosk("check", PATH=""),
        "models/fish/labels.csv: no font on this machine can draw the text in Hebrew. Install one",
    )


def test_check_repeats_what_the_curator_acknowledged(project: Project) -> None:
    """Who shows what is hidden by default reads their own sentence whenever they check."""
    sentence = "We show sharks because the aquarium asked for them."
    project.write(
        "kiosk.yaml", f"labels: fish\ncontent:\n  hide: [slur]\n  acknowledged: {sentence}\n"
    )
    outcome = project.kiosk("check")
    assert sentence in outcome.stdout
    assert "3 of 3 labels" in outcome.stdout


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "kiosk.yaml: it is empty. "),
        (b"\x89PNG\r\n\0\0", "kiosk.yaml: it is not text"),
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
        ("labels: fish\ncontent: {hide: []}\n", "kiosk.yaml:2: content.hide leaves out slur, "),
    ],
)
def test_a_wrong_file_is_one_error(project: Project, content: str | bytes, message: str) -> None:
    """Each thing that can be wrong with kiosk.yaml is one line with its place, and exit 2."""
    project.write("kiosk.yaml", content)
    assert_refused(project.kiosk("check"), message)


@pytest.mark.parametrize("command", [("run",), ("run", "--headless"), ("doctor",)])
def test_every_command_refuses_a_wrong_file(project: Project, command: tuple[str, ...]) -> None:
    """The show does not start with a file that `kiosk check` would refuse, and says the same."""
    project.write("kiosk.yaml", "labels: fsh\ncamera: {fps: fast}\n")
    assert_refused(
        project.kiosk(*command, SDL_VIDEODRIVER=""),  # no screen, so that no card is left up
        "kiosk.yaml:1: labels is 'fsh', but no such label set exists. Did you mean 'fish'?",
        "kiosk.yaml:2: camera.fps is 'fast' (expected a whole number from 1 to 240). ",
    )


def test_a_missing_file_is_one_error(project: Project) -> None:
    """A kiosk.yaml that is not there is named as it was typed."""
    assert_refused(
        project.kiosk("check", "shows/kiosk.yaml"), "shows/kiosk.yaml: there is no such file. "
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("id,name,definition,parent\n", "models/fish/labels.csv:1: the column 'hidden_because' is"),
        (
            LABELS.replace("goldfish", "tench"),
            "models/fish/labels.csv:3: the name 'tench' is there",
        ),
        (
            LABELS.replace("n01443537", "f1").replace("goldfish", ""),
            "models/fish/labels.csv:3: the",
        ),
        (LABELS.replace("tench", "Döbel").encode("latin-1"), "models/fish/labels.csv:2: it is not"),
        ("\n".join(LABELS.splitlines()[::3]) + "\n", "models/fish/labels.csv: no label is visible"),
    ],
)
def test_a_wrong_label_set_is_an_error(
    project: Project, content: str | bytes, message: str
) -> None:
    """`kiosk check` reads the label set's files too, and names their lines."""
    project.write("models/fish/labels.csv", content)
    outcome = project.kiosk("check")
    assert outcome.returncode == 2
    assert outcome.stderr.startswith(message)
    assert "Traceback" not in outcome.stderr


def test_a_label_set_that_is_not_built_is_one_error(project: Project) -> None:
    """Labels that were changed since their tensors were built are found before the show."""
    project.write("models/fish/labelset.yaml", LABELSET.replace("classes", "text"))
    built = "models/fish/built.safetensors: "
    rebuild = "Run: kiosk labels build fish"
    assert_refused(project.kiosk("check"), f"{built}the label set is not built yet. {rebuild}")
    stale = {"method": "text", "labels_sha256": "0"}
    save_file({}, project.folder / "models/fish/built.safetensors", stale)
    assert_refused(
        project.kiosk("check"),
        f"{built}it was built for other text in labels.csv, labelset.yaml or the kiosk itself than "
        f"there is now. {rebuild}",
    )
    project.write("models/fish/built.safetensors", b"cut off")
    assert_refused(project.kiosk("check"), f"{built}it is damaged (its header has ")


def test_a_film_that_is_none_is_one_error(project: Project) -> None:
    """A film that cannot be decoded is found before the show."""
    project.write("film.mp4", b"this is no film")
    project.write("kiosk.yaml", "labels: fish\ncamera: {source: film.mp4}\n")
    assert_refused(project.kiosk("check"), "film.mp4: this film cannot be decoded")


def test_a_display_that_is_not_there_is_one_error(project: Project) -> None:
    """A display's number that the machine does not have ends the start with the reason."""
    project.write("kiosk.yaml", "labels: fish\nscreen: {display: 9}\n")
    outcome = project.kiosk("run", SDL_VIDEODRIVER="dummy")
    assert_refused(outcome, "kiosk.yaml:2: screen.display is 9, but this machine has 1 display")


@needs_guard
def test_doctor_says_what_each_part_will_do(project: Project) -> None:
    """`kiosk doctor` tries every part and says what each will do, and that the show can run."""
    project.write("kiosk.yaml", "labels: fish\ncamera: {source: rehearsal}\ndevice: cpu\n")
    outcome = project.kiosk("doctor", SDL_VIDEODRIVER="dummy")
    rows = [line.split(maxsplit=2) for line in outcome.stdout.splitlines() if line[:2] == "  "]
    assert [(part, state) for part, state, _ in rows] == [
        (part, "ok")
        for part in (
            *("privacy", "camera", "device", "screen", "labels", "fonts", "detector", "weights"),
        )
    ]
    assert outcome.stdout.endswith("\nThe show can run: kiosk run\n")
    assert outcome.stderr == ""
    assert outcome.returncode == 0


def test_doctor_says_what_is_missing_and_goes_on(project: Project) -> None:
    """A part that is wrong gets its remedy, and the other parts are tried all the same."""
    project.write("kiosk.yaml", "labels: fish\ncamera: {source: /dev/none}\ndevice: cpu\n")
    project.write("models/fish/labels.csv", "id,name\n")
    outcome = project.kiosk("doctor", SDL_VIDEODRIVER="dummy")
    states = {line[2:10].strip(): line[12:19].strip() for line in outcome.stdout.splitlines()}
    assert states["camera"] == "wrong"
    assert states["labels"] == "wrong"
    assert states["screen"] == states["detector"] == "ok"
    assert "weights" not in states
    assert outcome.stdout.endswith("\nThe show cannot run before what is wrong is mended.\n")
    assert "Traceback" not in outcome.stderr
    assert outcome.returncode == 2


def test_cameras_lists_them_or_says_that_there_is_none(project: Project) -> None:
    """`kiosk cameras` never says nothing."""
    outcome = project.kiosk("cameras")
    assert outcome.returncode == 0
    assert "no camera" in outcome.stdout or "/dev/" in outcome.stdout


def test_a_part_that_fails_is_logged_and_said_calmly(project: Project) -> None:
    """What nobody foresaw ends with exit 1, its traceback in the log and one calm line after it."""
    project.write("installation/show/show.py", "raise RuntimeError('a wire is loose')\n")
    outcome = project.kiosk("run", "--headless")
    assert outcome.returncode == 1
    assert "RuntimeError: a wire is loose" in outcome.stderr
    calm = "kiosk: a part failed that should not (RuntimeError, logged above)."
    assert outcome.stderr.splitlines()[-1] == calm


def test_a_plain_terminal_is_no_reason_to_fail(project: Project) -> None:
    """A terminal that knows ASCII only gets the same lines with other letters as numbers."""
    outcome = project.kiosk("check", PYTHONIOENCODING="ascii")
    assert outcome.returncode == 0
    assert "1280\\xd7720" in outcome.stdout


def test_a_reader_who_leaves_is_no_traceback(project: Project) -> None:
    """`kiosk check | true` ends quietly."""
    program = (
        "import os, sys; from installation.cli.main import main; "
        "r, w = os.pipe(); os.dup2(w, 1); os.close(w); os.close(r); sys.exit(main(['check']))"
    )
    outcome = project.python("-c", program)
    assert outcome.returncode == 1
    assert outcome.stderr == ""


@pytest.mark.parametrize("module", ["cli", "show"])
def test_starting_loads_no_network(project: Project, module: str) -> None:
    """Neither checking a file nor the first paint waits for torch."""
    program = f"import sys, installation.{module}; sys.exit('torch' in sys.modules)"
    outcome = project.python("-c", program)
    assert outcome.returncode == 0, outcome.stderr


def test_check_loads_no_network(project: Project) -> None:
    """`kiosk check` answers without torch."""
    program = (
        "import sys; from installation.cli.main import main; "
        "sys.exit(main(['check']) or 'torch' in sys.modules)"
    )
    assert project.python("-c", program).returncode == 0


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["dance"],
        ["run", "--window", "1280x720"],
        ["run", "--windowed", "wide"],
        ["run", "--windowed", "12x720"],
        ["run", "--windowed", "1280x99999999999"],
        ["run", "--seconds", "0"],
        ["run", "--seconds", "nan"],
        ["run", "--seconds", "soon"],
        ["run", "--report", "no/such/folder/report.json"],
        ["run", "--report", "."],
        ["check", "one.yaml", "two.yaml"],
    ],
)
def test_a_wrong_argument_is_refused(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Arguments that cannot be are said to be wrong before anything starts, with exit 2."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "error: " in capsys.readouterr().err


@needs_guard
def test_run_tells_its_events_as_json(project: Project) -> None:
    """Without a screen stdout is a JSON object a line, the last of them the summary."""
    outcome = project.kiosk(
        "run", "--headless", "--source", "rehearsal", "--seconds", "6", "--report", "report.json"
    )
    assert outcome.returncode == 0, outcome.stderr
    events = [json.loads(line) for line in outcome.stdout.splitlines()]
    assert events[-1]["event"] == "summary"
    assert json.loads((project.folder / "report.json").read_text()) == events[-1]
