from __future__ import annotations

import datetime
from pathlib import Path

import pytest

from installation.errors import ScreenError
from installation.showing.fonts import missing_scripts
from installation.showing.words import FOLDER, Words, load_words, privacy_line


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.yaml")), ids=lambda file: file.stem)
def test_every_language_is_complete(file: Path) -> None:
    """Each file of words has every sentence, and none is empty."""
    words = load_words(file.stem)
    assert all(text.strip() for text in words.texts())
    assert len(words.texts()) == len(Words.model_fields)


def test_the_english_words_need_only_the_bundled_font(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kiosk's own sentences are readable on a machine without any font."""
    monkeypatch.setenv("PATH", "")
    assert missing_scripts(load_words().texts()) == []


def test_the_wall_promises_no_more_than_the_program_holds() -> None:
    """It claims the kernel only where the self-test says when and how often it was tried."""
    words = load_words()
    assert words.privacy == "No picture is stored."
    tried = (words.privacy_today, words.privacy_earlier)
    assert all("{ways}" in text for text in tried)
    said = " ".join(text for text in words.texts() if text not in tried).lower()
    assert not any(claim in said for claim in ("kernel", "proof", "guarantee", "anonym"))


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("privacy:", "privaty:", "privacy is missing"),
        ("title: What would a machine call you?", "title: ''", "title"),
        ("{score} of 100", "of 100", "score"),
        ("{score} of 100", "{score} of {sum}", "score"),
    ],
)
def test_a_mistake_in_the_words_is_named_with_its_file(
    tmp_path: Path, old: str, new: str, complaint: str
) -> None:
    """A translator who leaves out a sentence or its score reads which one, and where."""
    text = (FOLDER / "en.yaml").read_text(encoding="utf-8")
    assert old in text
    (tmp_path / "xx.yaml").write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(ScreenError, match=complaint) as caught:
        load_words("xx", tmp_path)
    assert "xx.yaml:" in str(caught.value)


def test_the_promise_says_what_is_true_at_that_moment() -> None:
    """How often and when it was tried, today or on another day; less where nothing is enforced."""
    words = load_words()
    at = datetime.datetime(2026, 5, 2, 9, 5)
    today, tomorrow = at.date(), at.date() + datetime.timedelta(days=1)
    proved = privacy_line(words, True, 97, at, today)
    assert proved.startswith("No picture of you is stored. This computer’s kernel prevents it;")
    assert "97 ways at 09:05 today" in proved
    assert "97 ways on 2026-05-02" in privacy_line(words, True, 97, at, tomorrow)
    assert "nothing on this computer prevents it" in privacy_line(words, False, 97, at, today)
