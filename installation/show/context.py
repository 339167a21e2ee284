"""Opens the context that all scenes share: the words, and fonts for every text of the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from installation.errors import ScreenError, display_path, limit_mistakes
from installation.settings.kiosk import Settings
from installation.settings.yaml_file import Loaded
from installation.showing.type.font_files import undrawable
from installation.showing.type.fonts import Fonts
from installation.showing.type.typesetting import ScreenContext
from installation.showing.window import Screen
from installation.showing.words import words_of

if TYPE_CHECKING:
    from installation.naming.label_set.label_set import LabelSet


def open_context(
    screen: Screen, loaded: Loaded[Settings], label_set: LabelSet | None = None
) -> ScreenContext:
    """Return the context of scenes on `screen`, with fonts that also have the labels' letters.

    Raises ScreenError with the location of each text that no font can draw.
    """
    words = words_of(loaded.settings)
    labels = () if label_set is None else label_set.texts()
    try:
        fonts = Fonts((*(text for each in words for text in each.texts()), *labels))
    except ScreenError as error:
        mistakes = undrawable(texts_by_place(loaded, label_set))
        raise ScreenError(*(limit_mistakes(mistakes) or error.mistakes)) from None
    language = _label_language(loaded.settings)
    return ScreenContext(
        words[0],
        fonts,
        screen.surface.get_size(),
        language,
        words[1] if len(words) > 1 else None,
        label_set,
        loaded.settings.screen.idle,
    )


def _label_language(settings: Settings) -> str:
    """Return the language of the labels if the curator has set it; otherwise an empty text.

    Without that setting the language is not known, because a set's own names may be in any
    language.
    """
    return settings.language.labels if "language" in settings.model_fields_set else ""


def texts_by_place(loaded: Loaded[Settings], label_set: LabelSet | None = None) -> dict[str, str]:
    """Return every text that the screen may show, keyed by its location.

    A location has the form that messages use. The files of the label set are read again, to find
    the line of each text. Raises LabelSetError.
    """
    settings = loaded.settings
    texts: dict[str, str] = {}

    def add(place: str, *added: str) -> None:
        texts[place] = " ".join((texts.get(place, ""), *added))

    for words in words_of(Settings(language=settings.language)):
        add(loaded.where("language"), *words.texts())
    add(loaded.where("screen", "title"), settings.screen.title or "")
    for key, text in settings.words:
        add(loaded.where("words", key), text or "")
    if label_set is not None:
        for place, text in _label_texts(label_set).items():
            add(place, text)
    return texts


def _label_texts(label_set: LabelSet) -> dict[str, str]:
    """Return the texts of `label_set`, keyed by file and row."""
    from installation.naming.label_set.folder import SETTINGS_FILE
    from installation.naming.label_set.load import read_source
    from installation.naming.label_set.output_names import labels_file

    file, root = display_path(labels_file(label_set.folder)), label_set.root
    source = read_source(label_set.name, label_set.folder.parent)
    locations = {row.id: row.location for row in source.rows}
    texts = {
        f"{file}:{locations[label.id]}" if label.id in locations else file: (
            f"{label.name} {label.definition} {label.second.name} {label.second.definition}"
        )
        for label in label_set.labels
    }
    names = {root.name, *(label.name for label in label_set.labels)}
    # A category that only contains other categories has no label if the network does not know it.
    above = {name for label in label_set.labels for name in label.chain} - names
    texts[file] = " ".join((texts.get(file, ""), *sorted(above)))
    settings = label_set.settings
    own = (
        *(settings.title, settings.credit, *settings.credit_translations.values()),
        *(root.name, root.definition, root.second.name, root.second.definition),
    )
    return {display_path(label_set.folder / SETTINGS_FILE): " ".join(own)} | texts
