from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.children import USERS, run
from tests.support.made_examples import COLOURS, draw
from tests.support.made_networks import PERSONS, TINY, tiny, write_set, write_weights
from tests.support.project import LABELS, LABELSET, Project, assert_refused, wait_for_line

pytestmark = pytest.mark.slow


def test_a_new_set_is_listed_beside_the_others(project: Project) -> None:
    """`new` prints what to do next; `list` has a line for each set, also for a wrong one."""
    outcome = project.kiosk("labels", "new", "mine", "--from", "fish")
    assert outcome.returncode == 0, outcome.stderr
    assert outcome.stdout.startswith("models/mine has been made. Next:\n")
    assert outcome.stdout.endswith("3. kiosk run --labels mine\n")
    project.write("models/mine/labels.csv", "id,name\n")
    lines = project.kiosk("labels", "list").stdout.splitlines()
    assert lines == [
        "fish  Three fish: 2 labels shown, 1 hidden; classes, needs no building",
        "mine  has 1 mistake; for the list, run: kiosk labels check mine",
    ]


def test_the_labels_of_a_set_are_printed(project: Project) -> None:
    """`show` prints each label with its chain, and the hidden ones with the reason."""
    outcome = project.kiosk("labels", "show", "fish")
    assert outcome.returncode == 0, outcome.stderr
    assert outcome.stdout.startswith("Three fish (fish): 2 labels shown, 1 hidden\n")
    assert "  tench\n      animal › tench\n" in outcome.stdout
    assert "  great white shark  [unseen]\n" in outcome.stdout


def test_a_set_is_checked(project: Project) -> None:
    """`check` prints that a set has no mistakes, or each mistake with its line."""
    outcome = project.kiosk("labels", "check", "fish")
    assert outcome.returncode == 0, outcome.stderr
    assert outcome.stdout.startswith("models/fish has no mistakes: 2 labels shown, 1 hidden")
    project.write("models/fish/labels.csv", LABELS.replace("unseen", "unsen"))
    outcome = project.kiosk("labels", "check", "fish")
    assert_refused(outcome, "models/fish/labels.csv:4: hidden_because is 'unsen'")


def test_a_set_is_built_and_its_figures_are_printed(project: Project) -> None:
    """`build` prints figures and what was left out; a network's own classes need no build."""
    folder = project.folder / "models" / "seen"
    for name in ("red", "blue"):
        draw(folder / "examples" / name, COLOURS[name])
    (folder / "examples" / "red" / "notes.txt").write_text("to do")
    project.write(
        "models/seen/labelset.yaml", LABELSET.replace("classes", "examples\nexamples: as they are")
    )
    header = LABELS.partition("\n")[0]
    project.write("models/seen/labels.csv", f"{header}\nred,red one,,,\nblue,blue one,,,\n")
    outcome = project.kiosk("labels", "build", "seen")
    assert outcome.returncode == 0, outcome.stderr
    assert outcome.stderr == "Building seen; the first build takes about a minute …\n"
    assert outcome.stdout.startswith("Of your 10 pictures, ")
    assert "\nLeft out: red/notes.txt: it is not a picture of a known format" in outcome.stdout
    assert outcome.stdout.endswith("seen is built. To show it, run: kiosk run --labels seen\n")
    outcome = project.kiosk("labels", "build", "fish")
    assert outcome.stdout == "fish uses a network's own classes, so it needs no building.\n"


def test_a_head_is_built_for_what_kiosk_yaml_shows(project: Project) -> None:
    """Showing more labels than were built is a mistake until `build` runs with that kiosk.yaml."""
    models = project.folder / "models"
    write_weights(models, tiny(), TINY)
    write_set(models, "made", f"method: classes\nencoder: {TINY}", *PERSONS)
    project.write("kiosk.yaml", "labels: made\n")
    more = "content: {acknowledged: We all want to see beekeepers here., hide: [slur]}"
    project.write("more.yaml", f"labels: made\n{more}\n")
    outcome = project.kiosk("labels", "build", "made")
    assert outcome.returncode == 0, outcome.stderr
    assert outcome.stdout.startswith(
        "The built file has 3 of the network's 21,843 classes: one for each label "
        "that is shown, and one for each background row."
    )
    assert project.kiosk("check").returncode == 0
    assert_refused(
        project.kiosk("check", "more.yaml"),
        "models/made/built.safetensors: some labels are shown now, but were hidden when this file "
        "was built, so it does not contain them (1 label)",
    )
    outcome = project.kiosk("labels", "build", "made", "more.yaml")
    assert outcome.stdout.startswith(
        "The built file has 4 of the network's 21,843 classes: one for each label "
        "that is shown, and one for each background row."
    )
    assert [project.kiosk("check", file).returncode for file in ("more.yaml", "kiosk.yaml")] == [
        0,
        0,
    ]
    (models / "weights" / f"{TINY}.safetensors").unlink()
    assert_refused(
        project.kiosk("check"),
        f"models/weights/{TINY}.safetensors: the weights of the network are missing. Run: kiosk",
    )


def test_a_preview_hides_what_kiosk_yaml_hides(project: Project) -> None:
    """`preview` hides what kiosk.yaml hides, says so, and reports mistakes in kiosk.yaml."""
    shown = "{acknowledged: We all want to see sharks here., hide: [slur]}"
    project.write("kiosk.yaml", f"labels: fish\ncontent: {shown}\n")
    outcome = project.kiosk("labels", "preview", "fish", "--screen", "1280x720")
    assert outcome.returncode == 0, outcome.stderr
    assert outcome.stdout.startswith("Hidden labels: 0 with this kiosk.yaml, 1 by default.\n")
    assert "     0  take several lines at 1280×720\n" in outcome.stdout
    assert outcome.stdout.endswith("The map is models/fish/preview.png.\n")
    assert (project.folder / "models/fish/preview.png").is_file()
    project.write("kiosk.yaml", "labels: fish\nlanguage: Klingon\n")
    assert_refused(
        project.kiosk("labels", "preview", "fish"), "kiosk.yaml:2: language is 'Klingon'"
    )


@pytest.mark.parametrize("command", [("build", "fish"), ("preview", "fish")])
def test_a_set_that_cannot_be_written_is_reported_before_the_work(
    command: tuple[str, str], project: Project, tmp_path: Path
) -> None:
    """On a read-only disk, `build` and `preview` end before anything is computed."""
    folder = project.folder / "models" / "fish"
    folder.chmod(0o555)
    outcome = run(
        *("-m", "installation", "labels", *command),
        user=USERS[-1],
        folder=tmp_path,
        PYTHONPATH=str(project.folder),
    )
    assert outcome.returncode == 2
    assert "nothing can be written into this folder. Check its permissions" in outcome.stderr


def test_a_missing_folder_for_a_map_is_reported_before_the_work(project: Project) -> None:
    """`preview --to` a folder that does not exist ends before anything is computed."""
    outcome = project.kiosk("labels", "preview", "fish", "--to", "maps/fish.png")
    assert_refused(outcome, "maps: this folder does not exist. Check its name, or create it.")


def test_a_set_is_exported_and_imported(project: Project) -> None:
    """`export` packs a set, and `import` unpacks it under another name."""
    outcome = project.kiosk("labels", "export", "fish")
    assert outcome.returncode == 0, outcome.stderr
    assert outcome.stdout == "fish is packed: fish.zip, 0.0 MB, without pictures.\n"
    assert_refused(
        project.kiosk("labels", "export", "fish"), "fish.zip: a file of this name exists"
    )
    outcome = project.kiosk("labels", "import", "fish.zip", "--as", "theirs")
    assert outcome.returncode == 0, outcome.stderr
    assert outcome.stdout.startswith(
        "models/theirs has been imported: Three fish (3 labels; the test).\n"
    )
    csv = project.folder / "models/theirs/labels.csv"
    assert csv.read_text(encoding="utf-8") == LABELS


def test_watch_returns_the_status_of_the_show(project: Project) -> None:
    """`watch` passes the arguments of `kiosk run` on, and returns the status of the show."""
    project.write("kiosk.yaml", "privacy: degraded\nlabels: none\n")
    rest = ("--headless", "--source", "rehearsal", "--seconds", "1")
    outcome = project.kiosk("labels", "watch", "fish", *rest)
    assert outcome.returncode == 0, outcome.stderr
    assert json.loads(outcome.stdout.splitlines()[-1])["event"] == "summary"
    assert "Traceback" not in outcome.stderr
    project.write("kiosk.yaml", "privacy: degraded\ndevice: abacus\n")
    outcome = project.kiosk("labels", "watch", "fish", *rest)
    assert_refused(outcome, "kiosk.yaml:2: device is 'abacus'")


def test_a_watched_show_runs_in_the_current_folder(project: Project) -> None:
    """Relative paths after `watch` mean the same as after `run`."""
    elsewhere = project.folder.parent / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "mine.yaml").write_text("privacy: degraded\n")
    rest = ("mine.yaml", "--headless", "--source", "rehearsal", "--seconds", "1")
    command = [sys.executable, "-m", "installation", "labels", "watch", "fish"]
    outcome = subprocess.run(
        [*command, *rest, "--report", "report.json"],
        cwd=elsewhere,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(project.folder)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert outcome.returncode == 0, outcome.stderr
    assert (elsewhere / "report.json").is_file()
    assert not (project.folder / "report.json").exists()


def test_watch_shows_the_set_that_it_builds(project: Project) -> None:
    """`watch` refuses another set in --labels than the one that it builds."""
    outcome = project.kiosk("labels", "watch", "fish", "--labels", "birds")
    assert_refused(
        outcome,
        "--labels: it names the set 'birds', but this command watches the set 'fish'. "
        "Remove this option",
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_watch_ends_the_show(project: Project, number: int) -> None:
    """A signal to `watch` ends the show as well."""
    project.write("kiosk.yaml", "privacy: degraded\n")
    words = ["labels", "watch", "fish", "--headless", "--source", "rehearsal", "--seconds", "90"]
    with subprocess.Popen(
        [sys.executable, "-m", "installation", *words],
        cwd=project.folder,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as watching:
        try:
            wait_for_line(watching, "camera:")
            watching.send_signal(number)
            output, after = watching.communicate(timeout=60)  # the show holds these pipes, too
        finally:
            watching.kill()
    assert json.loads(output.splitlines()[-1])["event"] == "summary"
    assert "Traceback" not in after
    assert watching.returncode == 0


def test_an_error_in_watch_ends_the_show(project: Project) -> None:
    """An unexpected error in `watch` ends the show, so that none runs with an old set."""
    project.write("kiosk.yaml", "privacy: degraded\n")
    program = (
        "from installation.making.watch import watch\n"
        "from installation.naming.label_set.hiding import SAFE\n"
        "def say(line): raise RuntimeError('a wire is loose')\n"
        "watch('fish', SAFE, ['--headless', '--source', 'rehearsal', '--seconds', '90'], say)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=project.folder,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as watching:
        try:
            wait_for_line(watching, "camera:")
            project.write("models/fish/labels.csv", LABELS.replace("unseen", "unsen"))
            _, after = watching.communicate(timeout=60)
        finally:
            watching.kill()
    assert "RuntimeError: a wire is loose" in after
    assert watching.returncode == 1
