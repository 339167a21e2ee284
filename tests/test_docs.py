"""Tests of the pages: what readers look for is there, and what they type works.

A technician looks for the log, the login, blanking, Wayland, rotating, updating, the night, the
power switch and a camera that is unplugged; each has its place in docs/venue.md.
"""

from __future__ import annotations

import configparser
import contextlib
import os
import re
import shlex
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from installation.cli.main import main
from installation.guarding.probes.all_probes import ALL_PROBES, QUICK_PROBES
from installation.settings.paths import PROJECT
from tests.support.project import wait_for_line
from tests.support.tools import tool

PAGES = sorted(
    page for pattern in ("*.md", "docs/*.md", ".github/*.md") for page in PROJECT.glob(pattern)
)
FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
"""A block of code: its language and its lines."""

MADE = ("models/mine", "models/NAME", "models/weights", "models/.cache")
"""The folders and files that only commands make."""

SHORT_SHOW = ("--headless", "--source", "rehearsal", "--seconds", "3")
"""The arguments that a test adds to a command that would otherwise run a show without end."""


def blocks(language: str) -> list[tuple[str, str]]:
    """Return every block of `language` in the pages, each with the name of its page."""
    return [
        (page.relative_to(PROJECT).as_posix(), code)
        for page in PAGES
        for name, code in FENCE.findall(page.read_text(encoding="utf-8"))
        if name == language
    ]


def commands(*, of_status: bool = False) -> list[str]:
    """Return the commands that a reader types, in the order of the pages, each once.

    The commands that need a running show are returned only if `of_status` is true, and then alone.
    """
    lines = [line.strip() for _, code in blocks("console") for line in code.splitlines()]
    typed = dict.fromkeys(line.removeprefix("$ ") for line in lines if line.startswith("$ "))
    return [command for command in typed if command.startswith("kiosk status") is of_status]


@pytest.fixture(scope="module")
def kiosk(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """Return a copy of the kiosk and an environment in which `kiosk` is a command."""
    folder = tmp_path_factory.mktemp("docs")
    for name in ("installation", "models"):
        shutil.copytree(PROJECT / name, folder / name, ignore=shutil.ignore_patterns(".cache"))
    shutil.copy(PROJECT / "kiosk.yaml", folder)
    command = folder / "bin" / "kiosk"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m installation "$@"\n')
    command.chmod(0o755)
    path = f"{command.parent}{os.pathsep}{os.environ['PATH']}"
    return folder, {**os.environ, "PATH": path, "OMP_NUM_THREADS": "1"}


@pytest.mark.slow
@pytest.mark.parametrize("command", commands())
def test_every_command_in_the_pages_runs(command: str, kiosk: tuple[Path, dict[str, str]]) -> None:
    """All commands of a page work if they are typed from its top to its end.

    They run one after the other in one copy: the page for artists builds what it has made.
    """
    folder, environment = kiosk
    words = shlex.split(command)
    if words[:2] == ["kiosk", "run"]:
        words += SHORT_SHOW

    ran = run(words, folder, environment)
    if words == ["kiosk", "service"] and not (everybody_enters(folder) and everybody_runs_python()):
        # No unit is printed that another user could not start.
        assert ran.returncode == 2
        lines = ran.stderr.splitlines()
        assert lines
        assert all(re.fullmatch(r"kiosk service: .+\. .+\.", line) for line in lines), ran.stderr
        return
    assert ran.returncode == 0, ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.slow
def test_every_command_for_a_running_show_in_the_pages_runs(
    kiosk: tuple[Path, dict[str, str]],
) -> None:
    """`kiosk status` answers in each form that the pages have while a show runs."""
    typed = commands(of_status=True)
    assert len(typed) > 1
    with running_show(*kiosk) as show:
        for command in typed:
            while (ran := run(shlex.split(command), *kiosk)).returncode and show.poll() is None:
                pass  # The camera is open, but the supervisor has not heard of it yet.
            assert ran.returncode == 0, ran.stderr
            assert "Traceback" not in ran.stderr


def run(
    words: list[str], folder: Path, environment: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run a command in `folder`, and return its status and what it has printed."""
    return subprocess.run(
        words,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@contextlib.contextmanager
def running_show(folder: Path, environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """Yield a show without a screen whose camera is open; it is ended afterwards."""
    command = ["kiosk", "run", "--headless", "--source", "rehearsal", "--seconds", "120"]
    with subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as show:
        try:
            wait_for_line(show, "camera:")
            yield show
        finally:
            show.terminate()
            show.communicate()


def everybody_enters(folder: Path) -> bool:
    """Return whether every user of the machine may enter `folder`."""
    return all(each.stat().st_mode & stat.S_IXOTH for each in (folder, *folder.parents))


def everybody_runs_python() -> bool:
    """Return whether every user of the machine may run this Python."""
    python = Path(sys.executable)
    return everybody_enters(python.parent) and everybody_enters(python.resolve().parent)


@pytest.mark.parametrize(("page", "code"), blocks("sh"))
def test_every_command_for_the_system_can_be_read_by_the_shell(page: str, code: str) -> None:
    """The shell can parse the commands that change the computer; tests do not run them."""
    subprocess.run(["bash", "-n"], input=code, text=True, check=True)
    for script in re.findall(r"\bscripts/[\w.-]*\w", code):
        assert os.access(PROJECT / script, os.X_OK), (page, script)


@pytest.mark.parametrize(("page", "code"), blocks("sh"))
def test_a_command_that_replaces_a_unit_runs_in_every_folder(page: str, code: str) -> None:
    """In another folder the shell finds no `scripts/kiosk`, and `tee` would empty the unit."""
    if "sudo tee" in code and "cd /opt/kiosk" not in code:
        assert not re.search(r"(?<!/opt/kiosk/)\bscripts/", code), page


def entries() -> list[tuple[str, str]]:
    """Return the page and the text of each file for a desktop or systemd in the pages."""
    return [(page, re.sub("^ +", "", code, flags=re.MULTILINE)) for page, code in blocks("ini")]


def test_the_files_that_a_desktop_starts_are_whole() -> None:
    """A desktop ignores a file of the autostart folder without a header, a type or a name."""
    files = [code for _, code in entries() if "[Desktop" in code]
    assert len(files) == 2
    for code in files:
        file = configparser.ConfigParser(interpolation=None, strict=True)
        file.optionxform = str  # type: ignore[assignment,method-assign]
        file.read_string(code)
        entry = file["Desktop Entry"]
        assert entry["Type"] == "Application"
        assert entry["Name"]
        assert shlex.split(entry["Exec"])
    for page in PAGES:
        assert "`Exec=` line" not in page.read_text(encoding="utf-8"), page


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ("4. The screen", "AutomaticLogin"),
        ("4. The screen", "idle-delay"),
        ("4. The screen", "Wayland"),
        ("4. The screen", "`screen.rotate`"),
        ("5. Starting by itself", "kiosk service"),
        ("6. The log", "journalctl -u kiosk"),
        ("7. Testing", "unplugged"),
        ("8. Stopping for the night", "OnCalendar="),
        ("8. Stopping for the night", "switching the power off"),
        ("9. Updating", "git pull"),
    ],
)
def test_the_page_for_technicians_has_each_subject_under_its_heading(
    section: str, words: str
) -> None:
    """README leads to the page, whose headings say where each subject is."""
    assert "(docs/venue.md)" in (PROJECT / "README.md").read_text(encoding="utf-8")
    page = (PROJECT / "docs" / "venue.md").read_text(encoding="utf-8")
    sections = dict(re.findall(r"^## (.+)\n((?:(?!## ).*\n?)*)", page, re.MULTILINE))
    assert words in sections[section]


def usages() -> list[tuple[str, str]]:
    """Return each command in a list of usage lines, with its arguments."""
    text = "".join(code for _, code in blocks(""))
    return re.findall(r"^kiosk ((?:labels )?[a-z]\w*)((?:.*\n\s+\[)*.*)$", text, re.MULTILINE)


def test_the_lists_of_usages_name_every_command() -> None:
    """The pages name all commands, and only existing ones."""
    own = ("new", "list", "show", "check", "build", "preview", "watch", "export", "import")
    documented = {"run", "status", "check", "doctor", "cameras", "audit", "service", "fetch"}
    assert documented | {f"labels {name}" for name in own} == {name for name, _ in usages()}


@pytest.mark.parametrize(("name", "usage"), usages())
def test_every_usage_names_options_that_exist(
    name: str, usage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """`kiosk run` and the others accept what the pages say they accept."""
    with pytest.raises(SystemExit) as ended:
        main([*name.split(), "--help"])
    assert ended.value.code == 0
    printed = capsys.readouterr().out
    for option in re.findall(r"--[a-z-]+", usage):
        assert option in printed, f"kiosk {name} {option}"


def test_every_page_with_commands_says_what_kiosk_stands_for() -> None:
    """Every page with commands says what to type for `kiosk`."""
    names = "run|status|audit|service|check|doctor|cameras|labels|fetch|--version"
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        if re.search(rf"(?:`|\$ |^)kiosk (?:{names})\b", text, re.MULTILINE):
            assert "scripts/kiosk" in text, page


def test_the_page_on_privacy_has_the_numbers_of_the_probes() -> None:
    """The page on privacy has the number of probes that the audit and each start run."""
    text = " ".join((PROJECT / "docs" / "privacy.md").read_text(encoding="utf-8").split())
    assert f"of the {len(ALL_PROBES)} that it knows, all that the computer has" in text
    assert f"of the {len(QUICK_PROBES)} that it knows for this, all that the computer has" in text


def test_the_map_has_the_number_of_lines_that_must_be_believed() -> None:
    """The launcher, the first act, the middle stage and the witness are read in an evening.

    Their lines are counted as docs/architecture.md states them, rounded.
    """
    page = (PROJECT / "docs/architecture.md").read_text()
    [(names, lines)] = re.findall(r"\((`launch\.py`[^)]*)\), has some ([\d,]+) lines", page)
    package = PROJECT / "installation"
    files = [next(package.rglob(name)) for name in re.findall(r"`(\w+\.py)`", names)]
    assert len(files) == 5
    count = sum(len(file.read_text().splitlines()) for file in files)
    assert abs(count - int(lines.replace(",", ""))) <= 50


def test_the_pages_have_the_sizes_that_the_set_up_prints() -> None:
    """Every page has the same size for the packages of `scripts/setup --all`."""
    setup = (PROJECT / "scripts" / "setup").read_text(encoding="utf-8")
    [(fetched, on_disk)] = re.findall(r"(3\.\d GB) to fetch, ([\d.]+ GB) on disk", setup)
    for name, words in (("README.md", "unpacked"), ("docs/venue.md", "unpacked")):
        text = " ".join((PROJECT / name).read_text(encoding="utf-8").split())
        assert f"{fetched} ({on_disk} {words})" in text
    text = (PROJECT / "docs" / "artists.md").read_text(encoding="utf-8")
    assert f"downloads {fetched} and takes {on_disk} on the disk" in text


def test_the_times_for_the_timer_are_understood_by_systemd() -> None:
    """The opening hours that a technician copies from the pages are valid for systemd."""
    times = re.findall(r"^OnCalendar=(.+)$", "".join(code for _, code in blocks("ini")), re.M)
    assert len(times) > 1
    subprocess.run([tool("systemd-analyze"), "calendar", *times], check=True, capture_output=True)


def paths() -> list[tuple[str, str]]:
    """Return each file of the project that a page names between backticks, with its page."""
    found = []
    for page in PAGES:
        text = FENCE.sub("", page.read_text(encoding="utf-8"))
        names = re.findall(r"`((?:installation|models|tests|scripts|docs)/[\w./-]+)`", text)
        found += [(page.relative_to(PROJECT).as_posix(), name) for name in names]
    return found


@pytest.mark.parametrize(("page", "name"), paths())
def test_every_file_that_a_page_names_exists(page: str, name: str) -> None:
    """Every file that a page names exists, except files that the kiosk or readers make."""
    if not name.startswith(MADE):
        assert (PROJECT / name.replace("xx.yaml", "en.yaml")).exists(), page


def links() -> list[tuple[str, str]]:
    """Return the target of each link and picture that is not on the web, with its page."""
    return [
        (page.relative_to(PROJECT).as_posix(), target)
        for page in PAGES
        for target in re.findall(r"\]\(([^)]+)\)", page.read_text(encoding="utf-8"))
        if not target.startswith("http")
    ]


@pytest.mark.parametrize(("page", "target"), links())
def test_every_link_leads_somewhere(page: str, target: str) -> None:
    """Each link leads to a file of the repository, and each `#part` to a heading of that file."""
    name, _, part = target.partition("#")
    file = (PROJECT / page).parent / name if name else PROJECT / page
    assert file.exists()
    if part:
        headings = re.findall(r"^#+ (.+)$", file.read_text(encoding="utf-8"), re.MULTILINE)
        assert part in {re.sub(r"[^\w -]", "", each.lower()).replace(" ", "-") for each in headings}
