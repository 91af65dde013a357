"""Bootstrap, deflated Sharpe, overfitting, resampled trades: against what is known of them."""

import math
import random
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewinds.research.bootstrap import intervals_of, stationary_indices, trade_intervals
from tradewinds.research.deflated import (
    deflate,
    expected_best_sharpe,
    moments,
    probabilistic_sharpe,
    sharpe_probability,
)
from tradewinds.research.monte_carlo import monte_carlo
from tradewinds.research.overfitting import overfitting
from tradewinds.research.scores import MOVED, figures_of, score


def noise(days: int, seed: int, mean: float = 0.0, spread: float = 0.01) -> list[float]:
    dice = random.Random(seed)
    return [dice.gauss(mean, spread) for _ in range(days)]


def test_the_published_example_of_the_deflated_sharpe_ratio() -> None:
    """Bailey and Lopez de Prado (2014): an annualised 2.5 over 1,250 days, the best of 100 whose
    variance is one half, skewness -3, kurtosis 10: expected best 0.1132, probability 0.9004."""
    expected = expected_best_sharpe(100, 0.5 / 250)
    assert expected == pytest.approx(0.1132, abs=5e-5)
    found = sharpe_probability(2.5 / math.sqrt(250), expected, 1250, (-3, 10))
    assert found == pytest.approx(0.9004, abs=5e-4)


def test_more_trials_make_the_same_record_less_believable() -> None:
    returns = noise(500, 2, mean=0.0012)
    sharpes = [x / 100 for x in range(-5, 6)]
    found = [deflate(returns, trials, sharpes) for trials in (1, 10, 1_000)]
    probabilities = [each.probability for each in found if each is not None]
    assert len(probabilities) == 3
    assert probabilities == sorted(probabilities, reverse=True)
    assert found[0] is not None
    assert probabilities[0] == found[0].undeflated == probabilistic_sharpe(returns, 0.0)
    assert probabilities[2] < 0.5 < probabilities[0]


@pytest.mark.parametrize("returns", [[], [0.01], [0.0] * 50, [0.01] * 5])
def test_a_record_that_tells_nothing_gets_no_verdict(returns: list[float]) -> None:
    assert deflate(returns, 5, []) is None


def test_moments_of_a_known_shape() -> None:
    assert list(moments([-1.0, 1.0] * 10)) == pytest.approx([0.0, 1.0])
    assert moments([1.0] * 10) == (0.0, 3.0)


def test_worthless_sets_are_overfitted_half_the_time() -> None:
    found = overfitting([noise(240, seed) for seed in range(40)])
    assert found is not None
    assert 0.3 < found.probability < 0.75
    assert found.splits == math.comb(16, 8)


def test_one_set_that_is_really_better_stays_so() -> None:
    found = overfitting([noise(240, 99, mean=0.004), *(noise(240, seed) for seed in range(20))])
    assert found is not None
    assert found.probability < 0.02
    assert found.loss < 0.02


def test_fitting_to_one_half_is_seen_as_the_worse_the_better_it_fits() -> None:
    """Each set is good on a few days of its own and pays for it on the others."""
    rows = []
    for number in range(16):
        row = noise(160, number, mean=-0.001, spread=0.001)
        for day in range(number * 10, number * 10 + 10):
            row[day] += 0.02
        rows.append(row)
    found = overfitting(rows)
    assert found is not None
    assert found.probability > 0.9
    assert found.loss > 0.9


@pytest.mark.parametrize("rows", [[], [[0.0] * 100] * 3, [[0.01, -0.01] * 50] * 5, [[0.1], [0.2]]])
def test_nothing_to_choose_among_is_no_answer(rows: list[list[float]]) -> None:
    assert overfitting(rows) is None


def test_blocks_run_on_and_cover_every_place() -> None:
    picked = stationary_indices(100, 400, 10, np.random.default_rng(1))
    follows = (picked[:, 1:] - picked[:, :-1]) % 100 == 1
    assert 0.87 < follows.mean() < 0.93
    assert set(np.unique(picked)) == set(range(100))


def test_intervals_hold_the_figure_and_narrow_with_the_days() -> None:
    returns = noise(400, 5, mean=0.001)
    wide, narrow = intervals_of(returns[:60]), intervals_of(returns)
    figures = figures_of(returns)
    assert wide.sharpe is not None
    assert narrow.sharpe is not None
    assert narrow.monthly is not None
    assert figures.sharpe is not None
    assert figures.monthly is not None
    assert narrow.sharpe.low < figures.sharpe < narrow.sharpe.high
    assert narrow.monthly.low < figures.monthly < narrow.monthly.high
    assert narrow.sharpe.high - narrow.sharpe.low < wide.sharpe.high - wide.sharpe.low
    assert intervals_of(returns[:10]).sharpe is None


def test_a_true_mean_lies_within_nine_times_in_ten() -> None:
    inside = 0
    for seed in range(60):
        found = intervals_of(noise(120, 1_000 + seed, mean=0.001)).monthly
        assert found is not None
        # Compounding costs half the variance: what a month of such days is expected to give.
        expected = math.exp((0.001 - 0.01**2 / 2) * 365 / 12) - 1
        inside += found.low <= expected <= found.high
    assert inside >= 45


@given(st.lists(st.floats(-0.2, 0.2), min_size=1, max_size=60))
def test_figures_agree_with_the_plain_way(returns: list[float]) -> None:
    figures = figures_of(returns)
    levels = np.concatenate(([1.0], np.cumprod(1 + np.asarray(returns))))
    assert figures.total == pytest.approx(levels[-1] - 1, abs=1e-12)
    falls = 1 - levels / np.maximum.accumulate(levels)
    assert figures.drawdown == pytest.approx(falls.max(), abs=1e-12)
    assert figures.winning_days == pytest.approx(np.mean(np.asarray(returns) > MOVED))


def test_what_hardly_traded_is_not_chosen() -> None:
    good = noise(60, 1, mean=0.01)
    assert score(good, 4, "sharpe", 5) < score(noise(60, 1, mean=-0.01), 5, "sharpe", 5)


def test_reshuffling_keeps_the_sum_and_finds_other_drawdowns() -> None:
    nets = [-5.0] * 20 + [8.0] * 20
    found = monte_carlo(nets, 1_000.0, 0.05)
    assert found is not None
    assert found.actual_drawdown == pytest.approx(0.10)
    assert found.reshuffled.high < found.actual_drawdown
    assert found.loss_chance < 0.5
    assert found.final.low < sum(nets) < found.final.high


def test_losers_lose_when_they_are_drawn_anew() -> None:
    found = monte_carlo([-5.0] * 30 + [4.0] * 10, 1_000.0, 0.05)
    assert found is not None
    assert found.loss_chance > 0.95
    assert found.halt_chance > 0.5
    assert monte_carlo([1.0] * 9, 1_000.0, 0.05) is None


@pytest.mark.parametrize("nets", [[1.0] * 30, [0.0] * 30, [-1.0] * 30])
def test_trades_without_a_loss_or_a_gain_have_no_factor_that_is_not_a_number(
    nets: Sequence[float],
) -> None:
    for found in trade_intervals(nets).values():
        assert math.isfinite(found.low)
        assert math.isfinite(found.high)
