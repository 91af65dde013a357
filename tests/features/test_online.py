"""Learning while going agrees with least squares over the past, and scores what it guessed."""

import numpy as np
import pytest

from tradewinds.features.online import GuessScore, OnlineRegression


def test_it_finds_the_weights_that_weighted_least_squares_finds() -> None:
    rng = np.random.default_rng(3)
    x = rng.standard_normal((400, 3))
    y = x @ [2.0, -1.0, 0.0] + rng.standard_normal(400) * 0.1
    memory = 100
    subject = OnlineRegression(3, memory)
    for row, value in zip(x, y, strict=True):
        subject.update(row.tolist(), float(value))
    weights = (1.0 - 1.0 / memory) ** np.arange(len(y) - 1, -1, -1)
    root = np.sqrt(weights)[:, None]
    expected, *_ = np.linalg.lstsq(x * root, y * root[:, 0], rcond=None)
    assert subject.weights == pytest.approx(expected.tolist(), abs=0.01)
    assert subject.guess([1.0, 1.0, 5.0]) == pytest.approx(1.0, abs=0.1)


def test_it_forgets_what_is_no_longer_true() -> None:
    subject = OnlineRegression(1, 50)
    for slope in (1.0, -1.0):
        for number in range(500):
            x = 1.0 if number % 2 else -1.0
            subject.update([x], slope * x)
        assert subject.weights[0] == pytest.approx(slope, abs=1e-3)


def test_what_is_never_seen_does_not_blow_up() -> None:
    """A silent feature for a long time, then a loud one."""
    subject = OnlineRegression(2, 10)
    for number in range(5_000):
        subject.update([1.0 if number % 2 else -1.0, 0.0], 0.5)
    subject.update([0.0, 1.0], 1.0)
    assert abs(subject.weights[1]) < 1.0


def test_right_guesses_make_sure_and_random_ones_do_not() -> None:
    rng = np.random.default_rng(5)
    right, luck = GuessScore(1_000, 1), GuessScore(1_000, 1)
    for _ in range(2_000):
        guess, noise, other = rng.standard_normal(3).tolist()
        right.update(guess, 0.5 * guess + noise)
        luck.update(guess, other)
    assert right.slope == pytest.approx(0.5, abs=0.1)
    assert right.sureness > 8.0
    assert abs(luck.sureness) < 3.0
    assert right.deviation == pytest.approx(1.12, abs=0.1)


def test_outcomes_that_overlap_count_for_less() -> None:
    plain, overlapping = GuessScore(100, 1), GuessScore(100, 25)
    for number in range(200):
        guess = 1.0 if number % 2 else -1.0
        for score in (plain, overlapping):
            score.update(guess, guess + (0.5 if number % 3 else -0.5))
    assert overlapping.samples == pytest.approx(plain.samples / 25)
    assert overlapping.sureness == pytest.approx(plain.sureness / 5)


def test_nothing_seen_is_nothing_sure() -> None:
    score = GuessScore(100, 1)
    assert (score.sureness, score.slope, score.deviation, score.samples) == (0.0, 0.0, 0.0, 0.0)
