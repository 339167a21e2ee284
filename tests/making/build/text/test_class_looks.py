from __future__ import annotations

import pytest

from installation.errors import LabelSetError
from installation.making.build.text.class_looks import ClassLooks, class_prior, listed_rows
from installation.naming.label_set.csv_file import Row
from installation.naming.scoring.conse import LIST_LENGTH

ROWS = (
    Row(2, "a", "baker", "bakes"),
    Row(3, "b", "hooter", "hoots", hidden_because="insult"),
    Row(4, "c", "juggler", "juggles"),
)
APRON = "n02730930"


def looks(line: int, *labels: str) -> ClassLooks:
    """Return the row of looks.csv about aprons with a list."""
    return ClassLooks(line, APRON, "apron", "", labels)


def test_a_list_is_the_rows_of_its_labels() -> None:
    """A class has the indices of its labels, in the order in which looks.csv lists them."""
    lists = listed_rows(ROWS, [looks(2, "juggler", "baker")])
    (row,) = lists[lists.max(1).values >= 0].tolist()
    assert row == [2, 0] + [-1] * (LIST_LENGTH - 2)


def test_each_wrong_list_is_one_mistake_with_its_line() -> None:
    """Labels that do not exist or are hidden are named, one for each row of looks.csv."""
    with pytest.raises(LabelSetError) as caught:
        listed_rows(ROWS, [looks(2, "baker"), looks(3, "bakker", "hooter"), looks(4, "hooter")])
    unknown, hidden = caught.value.mistakes
    assert unknown.where.endswith("looks.csv:3")
    assert unknown.problem == "'apron' lists 'bakker', but no label has that name"
    assert unknown.remedy == "Did you mean 'baker'?"
    assert hidden.where.endswith("looks.csv:4")
    assert hidden.problem == "'apron' lists 'hooter', which is hidden (insult)"


def test_too_long_a_list_is_a_mistake() -> None:
    """A list has at most as many labels as the built file has room for."""
    with pytest.raises(LabelSetError, match="expected at most"):
        listed_rows(ROWS, [looks(2, *["baker"] * (LIST_LENGTH + 1))])


def test_the_prior_is_a_share_of_every_class() -> None:
    """Each class has a share above 0, so that its logarithm exists."""
    prior = class_prior()
    assert prior.shape == (1000,)
    assert prior.min() > 0
    assert 0.9 < float(prior.sum()) < 1.6
