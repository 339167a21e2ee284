"""The kiosk's own words, one file for each language in `words/`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from installation.document import Section, load_yaml
from installation.errors import ScreenError

FOLDER = Path(__file__).parent / "words"


def _one_score(text: str) -> str:
    if text.count("{score}") != 1 or set(text.replace("{score}", "")) & set("{}"):
        raise ValueError("text that holds {score} once and no other braces")
    return text


Text = Annotated[str, Field(min_length=1, pattern=r"\S")]


class Words(Section):
    """Every sentence on the wall that is not a label's."""

    language: Text
    """The language's name for itself."""
    title: Text
    """Large, where nobody is there; `screen.title` replaces it."""
    invitation: Text
    notice: Text
    """That an AI system categorises people: the notice of the AI Act, Article 50(3)."""
    guess: Text
    """That a label is a guess and no fact about a person."""
    privacy: Text
    """What becomes of the pictures. It may only promise what the program holds."""
    reading: Text
    """Under a face that has no verdict yet."""
    score: Annotated[Text, AfterValidator(_one_score)]
    """Under a verdict; `{score}` stands for its score, 0–100."""
    unsure: Annotated[Text, AfterValidator(_one_score)]
    """In its place where no label scored enough; `{score}` stands for the best label's."""
    loading: Text
    trouble_title: Text
    trouble: Text
    """Where something is wrong: one calm sentence."""

    def texts(self) -> tuple[str, ...]:
        """Return all of them, for what asks which scripts need a font."""
        return tuple(str(text) for text in self.model_dump().values())


def load_words(language: str = "en", folder: Path = FOLDER) -> Words:
    """Return the words of `language`; ScreenError names every mistake of the file with its line."""
    return load_yaml(folder / f"{language}.yaml", Words, ScreenError).settings
