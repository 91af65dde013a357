"""WebAssembly and plain Python answer the same bits, whatever is asked."""

import json
import math
import struct
from array import array

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewinds.features.kernels.contract import (
    BookRow,
    BookSettings,
    BookStatus,
    Kernels,
    Lengths,
    Rules,
    SweepMarket,
    TriangleSettings,
)
from tradewinds.features.kernels.logarithm import ln
from tradewinds.features.kernels.plain import PlainKernels
from tradewinds.kernels import scenario
from tradewinds.kernels.artefact import facts
from tradewinds.kernels.fast import FastKernels
from tradewinds.kernels.wasm import new_machine

LARGER = scenario.Size(frames=300, quotes=1500, bars=1500, sets=40)


def bits(values: tuple[float, ...]) -> bytes:
    return struct.pack(f"<{len(values)}d", *values)


@pytest.fixture(scope="module")
def both() -> tuple[Kernels, Kernels]:
    machine = new_machine()
    assert not isinstance(machine, str), machine
    return FastKernels(machine), PlainKernels()


def test_the_small_scenario_has_the_outcome_that_was_committed(
    fast: Kernels, plain: Kernels
) -> None:
    known = facts().outputs_sha256
    assert scenario.digest(plain) == known
    assert scenario.digest(fast) == known


def test_a_larger_scenario_has_the_same_outcome(fast: Kernels, plain: Kernels) -> None:
    assert scenario.digest(fast, LARGER) == scenario.digest(plain, LARGER)


def test_the_scenario_is_not_idle(plain: Kernels) -> None:
    """A parity of nothing would prove nothing."""
    book = plain.book(scenario.BOOK)
    statuses = [book.frame(frame) for frame in scenario.frames(LARGER.frames)]
    assert set(statuses) >= {
        BookStatus.APPLIED,
        BookStatus.OLD,
        BookStatus.GAP,
        BookStatus.MALFORMED,
        BookStatus.OTHER,
    }
    assert statuses.count(BookStatus.APPLIED) > 20
    sweep = plain.sweep(scenario.bars(LARGER.bars), scenario.MARKET)
    sets = scenario.rules(LARGER.sets)
    reasons = {trade.reason for rules in sets[:-1] for trade in sweep.detail(rules)[0]}
    assert reasons == {0.0, 1.0, 2.0, 3.0}
    sides = {trade.side for rules in sets[:-1] for trade in sweep.detail(rules)[0]}
    assert sides == {1.0, -1.0}


SNAPSHOT = b'{"lastUpdateId":7,"bids":[["9.5","2"],["9","1"]],"asks":[["10","1"],["11","3"]]}'
DELTA = (
    b'{"stream":"x","data":{"e":"depthUpdate","E":5,"s":"BTCUSDT","U":8,"u":9,'
    b'"b":[["9.5","0"],["9.75",1.5,["ignored"]]],"a":[["10.00","0.25"]]}}'
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 50) | st.floats(-3, 12) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3)
    ),
    max_leaves=6,
)
NUMBERS = st.one_of(
    st.decimals(0, 20, places=8).map(str),
    st.floats(0, 1e12).map(repr),
    st.integers(0, 10**30).map(str),
    st.text("0123456789.eE+-", max_size=12),
    st.sampled_from(["0", "-0", "1e400", "1e-400", "00", "1.", " 1", "9007199254740993", "0.1e2"]),
)
ROWS = st.lists(st.tuples(NUMBERS, NUMBERS).map(list) | JSON, max_size=4)
FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "E": st.integers(0, 10**18) | JSON,
        "s": st.sampled_from(["BTCUSDT", "ETHUSDT"]) | JSON,
        "U": st.integers(5, 10) | JSON,
        "u": st.integers(5, 12) | JSON,
        "pu": st.integers(5, 9) | JSON,
        "b": ROWS | JSON,
        "a": ROWS | JSON,
        "bids": ROWS | JSON,
        "asks": ROWS | JSON,
        "lastUpdateId": st.integers(0, 12) | JSON,
        "data": JSON,
        "other": JSON,
    },
)
MESSAGES = (FIELDS | FIELDS.map(lambda fields: {"stream": "x", "data": fields})).map(
    lambda message: json.dumps(message, ensure_ascii=False).encode("utf-8", "surrogatepass")
)
DELTAS = st.fixed_dictionaries(
    {
        "U": st.integers(8, 9),
        "u": st.integers(7, 10),
        "b": st.lists(st.tuples(NUMBERS, NUMBERS).map(list), max_size=3),
        "a": st.lists(st.tuples(NUMBERS, NUMBERS).map(list), max_size=3),
    }
).map(lambda message: json.dumps(message).encode())


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A good frame with a few bytes changed, cut or doubled."""
    frame = bytearray(draw(st.sampled_from([SNAPSHOT, DELTA])))
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(frame) - 1))
        frame[at : at + draw(st.integers(0, 2))] = draw(st.binary(max_size=2))
    return bytes(frame)


@settings(max_examples=250, deadline=None)
@given(frames=st.lists(MESSAGES | DELTAS | damaged(), min_size=1, max_size=4))
def test_both_books_take_and_refuse_the_same_frames(
    both: tuple[Kernels, Kernels], frames: list[bytes]
) -> None:
    limits = BookSettings(symbol="BTCUSDT", capacity=3, quantity=1.5, imbalance_levels=2)
    books = [kernels.book(limits) for kernels in both]
    for frame in [SNAPSHOT, *frames, SNAPSHOT, DELTA]:
        statuses = [book.frame(frame) for book in books]
        assert statuses[0] == statuses[1], frame
        if statuses[0] == BookStatus.APPLIED:
            assert bits(books[0].row()) == bits(books[1].row()), frame
        assert books[0].levels(9) == books[1].levels(9)
    for book in books:
        book.close()


def test_a_frame_that_is_too_long_makes_the_book_dirty(fast: Kernels, plain: Kernels) -> None:
    for kernels in (fast, plain):
        book = kernels.book(BookSettings(frame_bytes=100))
        assert book.frame(SNAPSHOT) == BookStatus.APPLIED
        assert book.frame(DELTA) == BookStatus.MALFORMED
        assert book.frame(DELTA.replace(b" ", b"")[:100]) == BookStatus.MALFORMED
        assert book.frame(b'{"U":8,"u":9,"b":[],"a":[]}') == BookStatus.DIRTY


def test_a_book_tells_what_it_means(fast: Kernels) -> None:
    book = fast.book(BookSettings(symbol="BTCUSDT", quantity=2.0, imbalance_levels=1))
    assert book.frame(DELTA) == BookStatus.DIRTY
    assert book.frame(SNAPSHOT) == BookStatus.APPLIED
    assert book.frame(DELTA) == BookStatus.APPLIED
    assert book.levels(5) == ([(9.75, 1.5), (9.0, 1.0)], [(10.0, 0.25), (11.0, 3.0)])
    assert book.row() == BookRow(
        bid=9.75,
        bid_size=1.5,
        ask=10.0,
        ask_size=0.25,
        microprice=(9.75 * 0.25 + 10.0 * 1.5) / 1.75,
        imbalance=1.25 / 1.75,
        vwap_bid=(9.75 * 1.5 + 9.0 * 0.5) / 2.0,
        vwap_ask=(10.0 * 0.25 + 11.0 * 1.75) / 2.0,
        update_id=9.0,
        event_ms=5.0,
        bid_levels=2.0,
        ask_levels=2.0,
    )


PRICES = st.floats(1e-3, 1e3) | st.sampled_from([0.0, -1.0, math.nan, math.inf])
QUOTES = st.lists(st.tuples(st.integers(-1, 4).map(float), PRICES, PRICES), max_size=12)
EDGES = st.tuples(st.integers(0, 7), st.integers(0, 7), st.integers(0, 7))


@settings(max_examples=150, deadline=None)
@given(cycles=st.lists(EDGES, max_size=9), quotes=QUOTES, keep=st.floats(0.9, 1.0))
def test_both_scans_find_the_same_hits(
    both: tuple[Kernels, Kernels],
    cycles: list[tuple[int, int, int]],
    quotes: list[tuple[float, float, float]],
    keep: float,
) -> None:
    limits = TriangleSettings(keeps=[keep] * 8, cycles=cycles, rows_max=16, hits_max=5)
    rows = array("d", [value for quote in quotes for value in quote])
    answers = []
    for kernels in both:
        scan = kernels.triangles(limits)
        told: list[object] = [scan.scan(rows), scan.hits(), scan.all(), scan.hits()]
        for instrument, bid, ask in quotes:
            told += [scan.quote(int(instrument), bid, ask), scan.hits()]
        answers.append(told)
        scan.close()
    assert answers[0] == answers[1]


BARS = st.tuples(
    st.sampled_from([0.0, 1.0, 2.0, -1.0, math.nan]),
    st.floats(90, 110),
    st.floats(0, 5),
    st.floats(0, 5),
    st.floats(0, 1),
    st.floats(0, 1e6) | st.sampled_from([0.0, -1.0, math.nan, math.inf]),
).map(lambda t: (t[0], t[1], t[1] + t[2], t[1] - t[3], t[1] - t[3] + t[4] * (t[2] + t[3]), t[5]))


@settings(max_examples=80, deadline=None)
@given(
    rows=st.lists(BARS, max_size=60),
    lengths=st.builds(Lengths, **dict.fromkeys(Lengths.__struct_fields__, st.integers(1, 9))),
)
def test_both_make_the_same_features(
    both: tuple[Kernels, Kernels], rows: list[tuple[float, ...]], lengths: Lengths
) -> None:
    flat = array("d", [value for row in rows for value in row])
    answers = []
    for kernels in both:
        features = kernels.features(2, lengths)
        answers.append((features.update(flat).tobytes(), features.refused))
        features.close()
    assert answers[0] == answers[1]


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    rules=st.builds(
        Rules,
        breakout=st.booleans(),
        fast=st.integers(1, 5),
        slow=st.integers(2, 12),
        channel=st.integers(1, 9),
        volume_bars=st.integers(0, 9),
        volume_factor=st.sampled_from([0.0, 0.7]),
        atr=st.integers(1, 9),
        stop_atr=st.floats(0, 4),
        target_atr=st.floats(0, 3),
        trail_atr=st.floats(0, 4),
        trail_step_atr=st.floats(0, 1),
        hold_max=st.integers(0, 9),
        cooldown=st.integers(0, 5),
        shorts=st.booleans(),
    ),
    market=st.builds(
        SweepMarket,
        cash=st.floats(10, 1e6),
        taker_fee=st.sampled_from([0.0, 0.001]),
        maker_fee=st.sampled_from([-0.0001, 0.0, 0.0005]),
        slippage=st.floats(0, 0.2),
        tick=st.sampled_from([0.0, 0.01, 1.0, 200.0]),
        lot=st.sampled_from([0.0, 0.001, 1.0]),
        risk_money=st.floats(0, 1e5),
        risk_share=st.floats(0, 2),
        exposure=st.floats(0, 3),
        entry_slack=st.floats(0, 0.5),
        stop_allowance=st.floats(0, 0.1),
        notional_min=st.sampled_from([0.0, 10.0]),
        first_bar=st.integers(0, 30),
    ),
)
def test_both_simulate_the_same_fills(
    both: tuple[Kernels, Kernels], seed: int, rules: Rules, market: SweepMarket
) -> None:
    chance = scenario.Chance(seed)
    price, bars = 50.0 + chance.below(100), array("d")
    for _ in range(120):
        bar = scenario._bar(chance, price)
        price = bar[3]
        bars.extend(bar)
    answers = []
    for kernels in both:
        sweep = kernels.sweep(bars, market)
        told = [bits(sweep.run([rules])[0])]
        try:
            trades, curve = sweep.detail(rules)
            told += [bits(trade) for trade in trades] + [curve.tobytes()]
        except ValueError as error:
            told.append(str(error).encode())
        answers.append(told)
        sweep.close()
    assert answers[0] == answers[1]


def test_a_bar_that_cannot_be_true_is_named(fast: Kernels, plain: Kernels) -> None:
    bars = scenario.bars(5)
    bars[5 * 3 + 2] = 0.0
    for kernels in (fast, plain):
        with pytest.raises(ValueError, match="bar 3 cannot be true"):
            kernels.sweep(bars, SweepMarket())


@given(st.floats(1e-300, 1e300))
def test_the_logarithm_is_within_two_last_places(x: float) -> None:
    expected = math.log(x)
    assert abs(ln(x) - expected) <= 2 * math.ulp(max(abs(expected), abs(x - 1), 2e-300))


def test_the_logarithm_of_one_is_nothing() -> None:
    assert ln(1.0) == 0.0


@pytest.mark.parametrize("buffer", [array("f", [1.0] * 6), memoryview(b"x" * 48)])
def test_a_buffer_of_something_else_is_refused(
    fast: Kernels, plain: Kernels, buffer: memoryview
) -> None:
    for kernels in (fast, plain):
        with pytest.raises(ValueError, match="float64"):
            kernels.features(1, Lengths()).update(buffer)


def test_a_buffer_of_half_a_row_is_refused(fast: Kernels, plain: Kernels) -> None:
    for kernels in (fast, plain):
        with pytest.raises(ValueError, match="rows of 6"):
            kernels.features(1, Lengths()).update(array("d", [1.0] * 7))
