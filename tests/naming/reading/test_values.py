from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from installation.naming.label_set.label_set import Label
from installation.naming.reading.values import Reading, RunnerUp, Verdict


def test_a_reading_prints_no_scores() -> None:
    """The `repr` of a reading has the track's id and the instant, and nothing of the picture."""
    reading = Reading(4, 12.5, np.full(3, 1 / 3, np.float32))
    assert repr(reading) == "<Reading of visitor 4 at 12.500>"


LABELS = tuple(Label(f"l{number}", f"l{number}", "", ("person",)) for number in range(6))


@given(st.lists(st.floats(0, 1), min_size=1, max_size=5), st.integers(0, 5), st.floats(0, 1))
def test_the_printed_shares_sum_to_a_hundred(scores: list[float], most: int, others: float) -> None:
    """For any scores, the shares of name, runners-up, others and nobody sum to 100."""
    total = max(1.0, sum(scores) + others)
    own, *runners = (score / total for score in scores)
    candidates = [
        RunnerUp(label, each) for label, each in zip(LABELS, sorted(runners)[::-1], strict=False)
    ]
    verdict = Verdict(LABELS[5], own, 0.0, tuple(candidates), 40, others / total)
    shares = verdict.shares(most)
    listed = [share for _, share in shares.runners_up]
    assert shares.own + sum(listed) + shares.others + shares.nobodys == 100
    assert len(listed) <= most
    assert all(share > 0 for share in listed)
    assert all(
        abs(share - 100 * each.score) < 1 for share, each in zip(listed, candidates, strict=False)
    )
    assert abs(shares.own - 100 * own) < 1
    assert shares.other_count == 40 + len(candidates) - len(listed)


def test_who_has_less_than_one_hundredth_is_among_the_others() -> None:
    """A runner-up is listed only if its share is at least one hundredth."""
    runners = (RunnerUp(LABELS[1], 0.12), RunnerUp(LABELS[2], 0.004))
    shares = Verdict(LABELS[0], 0.8, 0.0, runners, 3, 0.076).shares(3)
    assert [runner.label.name for runner, _ in shares.runners_up] == ["l1"]
    assert (shares.other_count, shares.others) == (4, 8)


def test_who_is_left_without_a_hundredth_when_all_are_given_is_among_the_others() -> None:
    """A runner-up of 0.006 whose share is rounded to 0 is counted among the other names."""
    runners = (RunnerUp(LABELS[1], 0.177), RunnerUp(LABELS[2], 0.006))
    shares = Verdict(LABELS[0], 0.409, 0.0, runners, 3, 0.408).shares(3)
    assert [share for _, share in shares.runners_up] == [18]
    assert (shares.own, shares.other_count, shares.others) == (41, 4, 41)
