import asyncio
import hashlib
from itertools import chain, islice, pairwise

import msgspec
import numpy as np
import pytest

from tradewinds.market.pace import Pace
from tradewinds.market.synthetic import IDS, SyntheticFeed, SyntheticMarket, synthetic_bars
from tradewinds.market.synthetic_paths import Walk
from tradewinds.market.synthetic_quotes import DISLOCATION_DOLLARS
from tradewinds.market.synthetic_spec import COINS, synthetic_instruments
from tradewinds.model.market import Bar, Quote, TradePrint
from tradewinds.model.timeframes import MINUTE_NS, SECOND_NS
from tradewinds.model.validity import invalidity

START = 1_767_225_600 * SECOND_NS
MIDWAY = START + 37 * SECOND_NS + 5
SEED = 7
SMALL = IDS[2:8]
TRIANGLES = (
    ("BTC/USDC", "BTC/USDT", "USDC/USDT"),
    ("ETH/USDC", "ETH/USDT", "USDC/USDT"),
    ("ETH/BTC", "ETH/USDT", "BTC/USDT"),
)


def digest(events):
    encode = msgspec.msgpack.Encoder().encode
    total = hashlib.sha256()
    for event in events:
        total.update(encode(event))
    return total.hexdigest()


@pytest.fixture(scope="module")
def hour():
    """An hour of everything."""
    return list(chain.from_iterable(islice(SyntheticMarket(SEED).blocks(START), 60)))


@pytest.fixture(scope="module")
def closes():
    """Thirty days of 1m closes by instrument, (minutes,)."""
    table = {id_: [] for id_ in IDS}
    for bar in synthetic_bars(SEED, 30, START):
        table[bar.instrument_id].append(bar.close)
    return {id_: np.array(values) for id_, values in table.items()}


@pytest.fixture(scope="module")
def returns(closes):
    return {id_: np.diff(np.log(values)) for id_, values in closes.items()}


def test_a_seed_and_a_start_give_the_same_bytes():
    runs = [
        digest(chain.from_iterable(islice(SyntheticMarket(seed).blocks(MIDWAY), 3)))
        for seed in (SEED, SEED, SEED + 1)
    ]
    assert runs[0] == runs[1] != runs[2]
    past = [digest(synthetic_bars(seed, 1, START)) for seed in (SEED, SEED, SEED + 1)]
    assert past[0] == past[1] != past[2]


def test_every_event_is_sound_and_time_never_goes_back(hour):
    assert all(invalidity(event) is None for event in hour)
    times = [event.received_time_ns for event in hour]
    assert times == sorted(times)
    assert {type(event) for event in hour} == {Quote, TradePrint, Bar}


def test_quotes_lie_on_the_venues_grid(hour):
    grid = {i.id: (float(i.tick_size), float(i.lot_size)) for i in synthetic_instruments()}
    for event in hour[:5_000]:
        if isinstance(event, Quote):
            tick, lot = grid[event.instrument_id]
            for value, step in ((event.bid, tick), (event.ask, tick), (event.bid_size, lot)):
                assert value / step == pytest.approx(round(value / step), abs=1e-6)


def test_each_instrument_quotes_a_few_times_a_second_and_trades(hour):
    for id_ in IDS:
        of_it = [event for event in hour if event.instrument_id == id_]
        quotes = sum(isinstance(event, Quote) for event in of_it)
        assert 1.0 < quotes / 3600 < 5.0
        assert sum(isinstance(event, TradePrint) for event in of_it) > 60
        assert sum(isinstance(event, Bar) for event in of_it) == 60


def test_the_first_minute_has_its_bar_but_nothing_before_the_start():
    block = next(SyntheticMarket(SEED).blocks(MIDWAY))
    assert min(event.venue_time_ns for event in block) >= MIDWAY
    assert [bar.open_time_ns for bar in block[-12:]] == [START] * 12


def test_bars_hold_the_quotes_of_their_minute(hour):
    id_, low, high = IDS[0], np.inf, 0.0
    for event in hour:
        if event.instrument_id != id_:
            continue
        if isinstance(event, Quote):
            middle = (event.bid + event.ask) / 2
            low, high = min(low, middle), max(high, middle)
        if isinstance(event, Bar):
            assert event.low <= low * 1.0002
            assert event.high >= high * 0.9998
            low, high = np.inf, 0.0


def test_history_leads_up_to_the_first_price():
    history = SyntheticFeed(SEED, MIDWAY).history(300)
    first = {}
    for event in next(SyntheticMarket(SEED).blocks(START)):
        first.setdefault(event.instrument_id, event)
    for id_ in IDS:
        bars = history[id_]
        assert len(bars) == 300
        assert bars[-1].venue_time_ns == START
        assert all(b.open_time_ns - a.open_time_ns == MINUTE_NS for a, b in pairwise(bars))
        assert all(invalidity(bar) is None for bar in bars)
        middle = (first[id_].bid + first[id_].ask) / 2
        assert bars[-1].close == pytest.approx(middle, rel=0.005)
    assert history[IDS[0]][-1].close == COINS[0].price
    assert SyntheticFeed(SEED, MIDWAY).history(0)[IDS[0]] == ()


def test_returns_have_fat_tails(returns):
    for id_ in IDS[:-1]:
        centred = returns[id_] - returns[id_].mean()
        assert (centred**4).mean() / centred.var() ** 2 > 4.0


def test_volatility_comes_in_clusters_while_returns_do_not_predict_themselves(returns):
    for id_ in IDS[:-1]:
        sizes = np.abs(returns[id_])
        for lag in (1, 10, 60):
            assert np.corrcoef(sizes[:-lag], sizes[lag:])[0, 1] > 0.04
        assert abs(np.corrcoef(returns[id_][:-1], returns[id_][1:])[0, 1]) < 0.05


def test_everything_moves_with_a_common_factor_but_not_as_one(returns):
    for id_ in (IDS[1], *SMALL):
        assert 0.25 < np.corrcoef(returns[IDS[0]], returns[id_])[0, 1] < 0.95


def test_volatility_is_that_of_real_markets(returns):
    yearly = {id_: values.std() * np.sqrt(525_600) for id_, values in returns.items()}
    assert 0.3 < yearly[IDS[0]] < 0.7
    assert all(0.5 < yearly[id_] < 2.0 for id_ in SMALL)


def test_episodes_go_either_way_and_give_back():
    """Over a million minutes of coins: a bias in the dice would show a hundred times clearer."""
    drifts = Walk(np.random.default_rng(SEED)).drifts(200_000)
    own = np.array([coin.volatility for coin in COINS])
    assert (drifts[:, :2] == 0).all(), "majors have no episodes"
    assert 0.05 < (drifts[:, 2:] != 0).mean() < 0.3
    assert np.abs(drifts / own).max() <= 0.35 + 1e-12
    assert abs((drifts[:, 2:] / own[2:]).mean()) < 0.001


def test_nothing_drifts(closes):
    """Over thirty days no coin's mean return is four deviations from nought."""
    for id_ in IDS[:8]:
        moves = np.diff(np.log(closes[id_]))
        assert abs(moves.mean()) < 4 * moves.std() / np.sqrt(len(moves))


def test_small_coins_trend_a_little_and_majors_do_not(returns):
    """Half an hour's return against the half hour before: modest, nothing to get rich from."""

    def predicts(values):
        halves = np.add.reduceat(values, np.arange(0, len(values) // 30 * 30, 30))
        return np.corrcoef(halves[:-1], halves[1:])[0, 1]

    assert abs(predicts(returns[IDS[0]])) < 0.12
    assert np.mean([predicts(returns[id_]) for id_ in SMALL]) < 0.15


def test_crosses_agree_with_their_legs_within_far_less_than_a_fee(closes):
    btc, eth, stable = closes[IDS[0]], closes[IDS[1]], closes[IDS[11]]
    for cross, implied in ((8, btc / stable), (9, eth / stable), (10, eth / btc)):
        assert np.abs(closes[IDS[cross]] / implied - 1.0).max() < 0.0003


def edges_of(last, fees, cross, first, second):
    """Gain of the cycle each way round at the shown prices, taker fees paid."""
    keep = (1 - fees[cross]) * (1 - fees[first]) * (1 - fees[second])
    buy = last[first].bid / last[second].ask / last[cross].ask * keep - 1
    sell = last[cross].bid * last[second].bid / last[first].ask * keep - 1
    return buy, sell


def dislocations(seed, minutes):
    """(start ns, duration ns, best edge, dollars shown) of each spell in which a triangle pays."""
    fees = {i.symbol: float(i.taker_fee) for i in synthetic_instruments()}
    last, open_, found = {}, {}, []
    for event in chain.from_iterable(islice(SyntheticMarket(seed).blocks(START), minutes)):
        if not isinstance(event, Quote):
            continue
        last[event.instrument_id.split("@")[0]] = event
        for names in TRIANGLES:
            if not all(name in last for name in names):
                continue
            cross = last[names[0]]
            edge = max(edges_of(last, fees, *names))
            if edge > 0:
                dollars = cross.ask_size * (
                    last["ETH/USDT"].bid if names[0] == "ETH/BTC" else cross.ask
                )
                start, _, best, _ = open_.get(names, (event.venue_time_ns, 0, 0.0, 0.0))
                open_[names] = (start, event.venue_time_ns, max(best, edge), dollars)
            elif names in open_:
                start, _, best, dollars = open_.pop(names)
                found.append((start, event.venue_time_ns - start, best, dollars))
    return found


def test_triangles_pay_rarely_briefly_little_and_for_small_size():
    found = dislocations(2, 8 * 60)
    assert 3 <= len(found) <= 24
    durations = [duration / SECOND_NS for _, duration, _, _ in found]
    assert max(durations) < 3.0
    assert np.median(durations) > 0.2
    assert max(edge for _, _, edge, _ in found) < 0.0015
    shallow = [dollars < DISLOCATION_DOLLARS[1] * 1.05 for *_, dollars in found]
    assert np.mean(shallow) > 0.8
    worth = sum(edge * dollars for (_, _, edge, dollars) in found if dollars < 300)
    assert worth / 8 * 24 < 3.0, "dollars a day, if every one were caught without delay"


def test_spreads_widen_and_depth_thins_when_it_gets_rough(hour):
    """Across seeds: the roughest minutes against the calmest, by the bar's range."""
    ranges, spreads, sizes = [], [], []
    for seed in range(12):
        spread, size = [], []
        for event in chain.from_iterable(islice(SyntheticMarket(seed).blocks(START), 12)):
            if event.instrument_id != IDS[0]:
                continue
            if isinstance(event, Quote):
                spread.append(event.ask / event.bid - 1)
                size.append(event.bid_size)
            if isinstance(event, Bar):
                ranges.append(event.high / event.low - 1)
                spreads.append(np.mean(spread))
                sizes.append(np.median(size))
                spread, size = [], []
    assert np.corrcoef(ranges, spreads)[0, 1] > 0.3
    assert np.corrcoef(ranges, sizes)[0, 1] < -0.2


def test_the_feed_ends_after_its_duration_and_is_labelled():
    async def read():
        feed = SyntheticFeed(SEED, MIDWAY, Pace(), duration_s=90.0)
        return feed, [event async for batch in feed.batches() for event in batch]

    feed, events = asyncio.run(read())
    assert feed.label == "SYNTHETIC seed 7"
    assert events[-1].venue_time_ns <= MIDWAY + 90 * SECOND_NS
    assert events[-1].venue_time_ns > MIDWAY + 89 * SECOND_NS
    assert {event.instrument_id for event in events} == {i.id for i in feed.instruments}
