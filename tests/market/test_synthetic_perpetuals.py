"""Perpetuals of the synthetic market: tied to their coin, and pushed away from it at times."""

from itertools import islice, pairwise
from typing import Any

import numpy as np
import pytest

from tradewinds.market.synthetic import SyntheticFeed, SyntheticMarket
from tradewinds.market.synthetic_perps import PERPS, perpetual_instruments
from tradewinds.model.market import Bar, FundingRate, MarkPrice, Quote, TradePrint
from tradewinds.model.validity import invalidity

START = 1_700_006_400_000_000_000 - 3_600_000_000_000 // 2
"""Half an hour before 00:00 UTC, when funding is due."""
MINUTES = 60
IDS = {perp.id for perp in PERPS}


@pytest.fixture(scope="module")
def hour() -> list[Any]:
    feed = SyntheticFeed(7, START, perpetuals=True)
    return [event for block in islice(feed.blocks(), MINUTES) for event in block]


def test_the_coins_are_what_they_are_without_them(hour: list[Any]) -> None:
    alone = [e for block in islice(SyntheticMarket(7).blocks(START), MINUTES) for e in block]
    assert [event for event in hour if event.instrument_id not in IDS] == alone


def test_a_seed_gives_the_same_market_and_another_does_not(hour: list[Any]) -> None:
    again = SyntheticFeed(7, START, perpetuals=True).blocks()
    other = SyntheticFeed(8, START, perpetuals=True).blocks()
    first = next(again)
    assert first == hour[: len(first)]
    assert next(other) != first


def test_every_event_is_sound_and_time_never_goes_back(hour: list[Any]) -> None:
    perps = [event for event in hour if event.instrument_id in IDS]
    assert {type(event) for event in perps} == {Quote, TradePrint, Bar, MarkPrice, FundingRate}
    assert all(invalidity(event) is None for event in perps if not isinstance(event, FundingRate))
    assert all(one.venue_time_ns <= two.venue_time_ns for one, two in pairwise(hour))


def test_funding_comes_every_eight_hours(hour: list[Any]) -> None:
    times = {event.venue_time_ns for event in hour if isinstance(event, FundingRate)}
    assert len(times) == 1
    assert times.pop() % (8 * 3_600_000_000_000) == 0


def test_they_follow_their_coin_and_come_back_to_it(hour: list[Any]) -> None:
    coin_of = {perp.id: perp.coin for perp in PERPS}
    mids: dict[str, float] = {}
    found = []
    for event in hour:
        if isinstance(event, Quote):
            mids[event.instrument_id] = (event.bid + event.ask) / 2.0
            coin = mids.get(coin_of.get(event.instrument_id, event.instrument_id), 0.0)
            if event.instrument_id in IDS:
                found.append(abs(mids[event.instrument_id] / coin - 1.0))
    assert np.median(found) < 0.0002
    assert 0.001 < max(found) < 0.02, "a burst, and no crash"


def test_with_them_there_are_fourteen_instruments_and_two_have_leverage() -> None:
    listed = SyntheticFeed(7, START, perpetuals=True).instruments
    assert len(listed) == 14
    assert [i.id for i in listed] == sorted(i.id for i in listed)
    assert {i.id for i in listed if i.leverage_max > 1} == {i.id for i in perpetual_instruments()}
    assert len(SyntheticFeed(7, START).instruments) == 12
