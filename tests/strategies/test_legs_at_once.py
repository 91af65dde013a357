"""Which way the legs of a triangle leave, and what that is worth, expected and on paper."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.strategies.selection_stage import USDT, Stage
from tests.strategies.test_triangular import dislocated, feed, quote, strategy
from tradewinds.engine.paper_basket import result_of
from tradewinds.model.errors import ConfigError
from tradewinds.model.instrument import Instrument
from tradewinds.model.market import Side
from tradewinds.model.signal import BasketSignal, Leg, Sending
from tradewinds.strategies.cycle_value import broken_at_once
from tradewinds.strategies.parameters import read_parameters
from tradewinds.strategies.triangular import TriangularParams

Make = Callable[..., Instrument]


@pytest.fixture
def triangle(instrument: Make) -> list[Instrument]:
    """A = 100 S, B = 10 S, B = 0.1 A; 10 bps each."""
    return [instrument(base, quoted) for base, quoted in (("A", "S"), ("B", "S"), ("B", "A"))]


@pytest.mark.parametrize(
    ("legs", "sending"),
    [
        ("sequenced", Sending.SEQUENCED),
        ("simultaneous", Sending.SIMULTANEOUS),
        ("auto", Sending.EITHER),
    ],
)
def test_an_edge_that_pays_either_way_leaves_as_it_was_set(
    triangle: list[Instrument], make_view: Any, legs: str, sending: Sending
) -> None:
    (signal,) = feed(strategy(triangle, legs=legs), make_view(), *dislocated(triangle))
    assert signal.sending is sending


def test_the_setting_has_three_values_and_in_sequence_is_the_default() -> None:
    assert TriangularParams().legs == "sequenced"
    with pytest.raises(ConfigError, match="legs"):
        read_parameters("triangular", TriangularParams, {"legs": "parallel"})


@pytest.mark.parametrize(
    ("edge_min_bps", "sendings"),
    [(1.0, [Sending.EITHER]), (20.0, [Sending.SEQUENCED]), (30.0, [])],
)
def test_auto_sends_only_what_pays_that_way(
    triangle: list[Instrument], make_view: Any, edge_min_bps: float, sendings: list[Sending]
) -> None:
    """An edge of 69.75 bps where half of the cycles break. In sequence that leaves 24.9; at once
    62 % break, and cost 40 in place of 20: 1.6 are left."""
    params = {"safety_bps": 0.0, "latency_ms": 0, "failure_chance": 0.5, "legs": "auto"}
    subject = strategy(triangle, edge_min_bps=edge_min_bps, **params)
    found = feed(subject, make_view(), *dislocated(triangle))
    assert [signal.sending for signal in found] == sendings


def test_legs_that_wait_less_are_worth_more_in_a_market_that_moves(
    triangle: list[Instrument], make_view: Any
) -> None:
    """In sequence the third leg waits three times as long."""
    second = 1_000_000_000
    params = {"edge_min_bps": 0.0, "safety_bps": 0.0, "failure_chance": 0.0, "latency_ms": 1000}
    values = {}
    for legs in ("sequenced", "simultaneous"):
        subject = strategy(triangle, legs=legs, **params)
        for number in range(60):
            swing = 1.0005 if number % 2 else 1.0
            at = {"venue_time_ns": number * second, "received_time_ns": number * second}
            feed(subject, make_view(), quote(triangle[1], 10.1 * swing, 10.1 * swing, **at))
        at = {"venue_time_ns": 60 * second, "received_time_ns": 60 * second}
        (signal,) = feed(subject, make_view(), *dislocated(triangle, **at))
        values[legs] = float(signal.reason.split(", ")[1].split()[0])
    assert values["simultaneous"] > values["sequenced"] + 1.0


def test_three_chances_to_fail_are_more_than_two() -> None:
    assert broken_at_once(0.0) == 0.0
    assert broken_at_once(0.05) == pytest.approx(0.0741, abs=0.0002)
    # All three fail together more often then: that costs nothing.
    assert broken_at_once(0.99) == pytest.approx(0.27, abs=0.001)


def cycle(stage: Stage, limits: tuple[float, float], sending: Sending) -> BasketSignal:
    """Buy the first, sell it as the second: two markets of the same two assets."""
    sides = (Side.BUY, Side.SELL)
    legs = tuple(
        Leg(instrument_id=each.id, side=side, limit_price=limit, size_max=1.0)
        for each, side, limit in zip(stage.listed, sides, limits, strict=True)
    )
    return BasketSignal(
        strategy_id=stage.loser.strategy_id, legs=legs, start_asset=USDT, notional_max=100.0,
        edge_bps=10.0, reason="", sending=sending,
    )  # fmt: skip


@pytest.fixture
def two_markets(instrument: Make) -> Stage:
    """A against USDT, twice, at 100 and 102."""
    made = Stage([instrument("A", "USDT"), instrument("A", "USDT", venue="y")])
    made.quote(100.0, 0)
    made.quote(102.0, 1)
    return made


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ((100.01, 101.99), 1.7799),  # both: 101.99 / 100.01 less two fees
        ((100.01, 103.0), -0.2198),  # bought only: sold where it was bought
        ((99.0, 101.99), 1.7799),  # sold only: bought where it was meant to be
        ((99.0, 103.0), None),
    ],
)
def test_on_paper_what_does_not_match_is_put_right_at_what_is_shown(
    two_markets: Stage, limits: tuple[float, float], expected: float | None
) -> None:
    signal = cycle(two_markets, limits, Sending.SIMULTANEOUS)
    result = result_of(signal, two_markets.engine.floor.board, 0.005)
    if expected is None:
        assert result is None
    else:
        # 0.005 is doubled: two assets may have to be put right.
        assert result == pytest.approx(expected, abs=0.03)


def test_on_paper_the_worse_of_both_ways_counts(two_markets: Stage) -> None:
    board = two_markets.engine.floor.board
    by_way = {
        way: result_of(cycle(two_markets, (100.01, 103.0), way), board, 0.005) for way in Sending
    }
    known = [by_way[Sending.SEQUENCED], by_way[Sending.SIMULTANEOUS]]
    assert None not in known
    assert by_way[Sending.EITHER] == min(known)  # type: ignore[type-var]
