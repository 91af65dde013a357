"""Rows A of the scorecard with the engine on a live venue: bad data and changed rules."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from tests.faults.live_floor import LiveFloor, opened
from tradewinds.gateways.live_venue import LiveTerms
from tradewinds.model.instrument import InstrumentStatus
from tradewinds.model.order import Purpose
from tradewinds.model.portfolio import TradingState
from tradewinds.practice import garbage
from tradewinds.practice.faults import Reply, Silence

D = Decimal
POISON: list[Any] = ["NaN", "Infinity", "", None, [], "-1", "0", "1e999999", "1e-999", True]
KINDS = ["spot", "usdm"]


@pytest.fixture(params=KINDS)
def floor(request: pytest.FixtureRequest) -> Iterator[LiveFloor]:
    with opened(request.param) as made:
        yield made


def execution(floor: LiveFloor, number: int, **fields: Any) -> dict[str, Any]:
    """A fill of the resting stop, as the stream would tell it."""
    stop = floor.stops()[0].approved
    report = {
        "s": "BTCUSDT", "S": "SELL", "c": stop.client_order_id, "C": "", "x": "TRADE",
        "X": "PARTIALLY_FILLED", "i": 9_000 + number, "t": 9_000 + number, "l": "0.001",
        "L": "19700", "z": "0.001", "n": "0.01", "N": "USDT", "m": False,
        "T": floor.now // 1_000_000,
    }  # fmt: skip
    if floor.rig.kind == "spot":
        return {"e": "executionReport", **report, **fields}
    return {"e": "ORDER_TRADE_UPDATE", "T": report["T"], "o": {**report, **fields}}


def test_a1_an_execution_with_figures_that_are_none_is_not_booked(floor: LiveFloor) -> None:
    floor.bought()
    ledger, read = dict(floor.ledger.balances), floor.readings()
    for number, poison in enumerate(POISON):
        floor.rig.tell(execution(floor, 2 * number, L=poison))
        floor.rig.tell(execution(floor, 2 * number + 1, l=poison))
    floor.until(lambda: floor.readings() > read)
    floor.settle()
    assert floor.ledger.balances == ledger
    assert floor.state is TradingState.ACTIVE
    floor.check()


@pytest.mark.parametrize(
    ("floor", "factor"), [("spot", 10.0), ("spot", 0.1), ("usdm", 0.1)], indirect=["floor"]
)
def test_a2_one_tick_of_another_size_leaves_position_and_stop_alone(
    floor: LiveFloor, factor: float
) -> None:
    floor.bought()
    sent, price = len(floor.submitted()), floor.price
    floor.price = (price[0] * factor, price[1] * factor)
    floor.enter(stop=19_700.0 * factor)
    floor.take()
    floor.price = price
    floor.settle()
    assert len(floor.submitted()) == sent
    assert len(floor.refusals()) == 1
    assert floor.stops()[0].approved.trigger_price == D(19_700)
    assert floor.state is TradingState.ACTIVE
    floor.check()


def test_a3_a_fill_that_the_stream_garbles_is_booked_by_query(floor: LiveFloor) -> None:
    floor.bought()
    everything = floor.rig.told.rpartition(" ")[0] + " *"
    for piece in garbage.ALL:
        floor.rig.fault(everything, piece)
    floor.move(19_690.0, 19_692.0)
    floor.until(floor.flat, timeout_s=15)
    while floor.rig.live.stream.garbled + floor.rig.live.stream.connects < len(garbage.ALL):
        floor.rig.tell({"e": "balanceUpdate"})
        floor.settle(0.05)
    floor.until(lambda: floor.rig.live.stream.connects > 1)
    floor.rig.practice.faults.clear()
    floor.until(lambda: floor.rig.live.stream.up and floor.state is TradingState.ACTIVE)
    floor.check()
    floor.move(19_999.0, 20_001.0)
    floor.bought()
    floor.check()


@pytest.mark.parametrize("kind", KINDS)
def test_a4_a_user_stream_that_is_mute_but_alive_costs_no_fill(kind: str) -> None:
    terms = LiveTerms(tick_s=0.01, look_gap_s=0.05, state_every_s=0.6)
    with opened(kind, terms=terms) as floor:
        floor.rig.fault(floor.rig.told.rpartition(" ")[0] + " *", Silence(), times=None)
        floor.bought()
        floor.move(19_690.0, 19_692.0)
        floor.until(floor.flat)
        assert floor.rig.live.stream.losses == 0
        floor.check()


def test_a4_a_silent_feed_stops_entries_and_leaves_the_stop_at_the_venue(floor: LiveFloor) -> None:
    floor.bought()
    floor.feeding = False
    floor.rig.skip(31)
    floor.until(lambda: floor.state is TradingState.REDUCING)
    assert "no market data" in floor.reason
    assert floor.guarded()
    floor.check()
    floor.feeding = True
    floor.until(lambda: floor.state is TradingState.ACTIVE)


def test_a9_new_filters_are_learnt_by_one_refusal(floor: LiveFloor) -> None:
    listing = floor.rig.engine.markets["BTCUSDT"].listing
    listing.step = listing.min_quantity = step = (floor.instrument.lot_size * 10).normalize()
    floor.enter(19_690.0)
    floor.until(lambda: floor.instrument.lot_size == step)
    floor.until(lambda: not floor.trades)
    asked = floor.rig.ordered()
    assert [request.status for request in asked] == [400], "refused once, not tried again"
    floor.bought()
    assert len(floor.submitted(Purpose.ENTER)) == 2
    second = [o for o in floor.submitted() if o.trade_id == floor.trades[0].trade_id]
    assert all(order.quantity % step == 0 for order in second)
    floor.check()


def test_a9_a_close_is_made_to_fit_new_filters(floor: LiveFloor) -> None:
    floor.bought()
    listing = floor.rig.engine.markets["BTCUSDT"].listing
    before = floor.rig.held()
    listing.step = listing.min_quantity = listing.market_step = step = D("0.01")
    floor.emergency()
    floor.until(lambda: floor.rig.held() < step and not floor.trades)
    assert floor.rig.held() == before % step
    floor.settle()
    sold = [r for r in floor.rig.ordered() if r.params.get("type") == "MARKET"]
    assert len(sold) <= 4, "no loop"


STATES = {
    "HALT": InstrumentStatus.HALTED,
    "BREAK": InstrumentStatus.HALTED,
    "CANCEL_ONLY": InstrumentStatus.CLOSE_ONLY,
    "SOMETHING_NEW": InstrumentStatus.CLOSE_ONLY,
}


@pytest.mark.parametrize(
    ("floor", "word"),
    [("spot", "HALT"), ("usdm", "BREAK"), ("spot", "CANCEL_ONLY"), ("usdm", "SOMETHING_NEW")],
    indirect=["floor"],
)
def test_a10_a_market_that_does_not_trade_is_not_entered_and_its_stop_stays(
    floor: LiveFloor, word: str
) -> None:
    floor.bought()
    floor.rig.engine.markets["BTCUSDT"].listing.status = word
    floor.rig.skip(3_601)
    floor.until(lambda: floor.instrument.status is STATES[word])
    floor.until(lambda: floor.state is TradingState.ACTIVE)
    sent = len(floor.rig.ordered())
    floor.enter()
    floor.until(lambda: bool(floor.refusals()))
    assert "instrument is" in floor.refusals()[-1]
    assert len(floor.rig.ordered()) == sent
    assert floor.guarded()
    (stop,) = floor.rig.standing()
    floor.rig.cancel(stop)
    floor.until(lambda: stop not in floor.rig.standing())
    floor.rig.engine.markets["BTCUSDT"].listing.status = "TRADING"
    floor.rig.skip(3_601)
    floor.until(lambda: floor.instrument.status is InstrumentStatus.TRADING)
    floor.until(lambda: floor.guarded() or floor.flat())
    floor.check()


def test_a10_a_halt_that_nobody_announced_is_learnt_by_the_first_refusal(floor: LiveFloor) -> None:
    floor.rig.engine.markets["BTCUSDT"].listing.status = "HALT"
    floor.enter()
    floor.until(lambda: floor.instrument.status is InstrumentStatus.HALTED)
    floor.until(lambda: not floor.trades)
    floor.check()


def test_a11_a_market_that_vanishes_is_an_alarm_and_keeps_the_books(floor: LiveFloor) -> None:
    floor.bought()
    place = "spot GET /api/v3/exchangeInfo"
    if floor.rig.kind == "usdm":
        place = "usdm GET /fapi/v1/exchangeInfo"
    floor.rig.fault(place, Reply(status=200, body=b'{"symbols":[]}'), times=None)
    held = floor.held()
    floor.rig.skip(3_601)
    floor.until(lambda: floor.instrument.status is InstrumentStatus.HALTED)
    assert "instrument_halted" in floor.anomalies()
    floor.enter()
    floor.until(lambda: bool(floor.refusals()))
    assert floor.held() == held
    assert floor.guarded()
    floor.check()
    floor.emergency()
    floor.until(floor.flat)


def test_a12_what_leaves_is_written_in_plain_digits(floor: LiveFloor) -> None:
    """No exponent, nothing finer than the venue's steps: whatever the sizing came to."""
    floor.bought(19_691.23456789)
    floor.emergency()
    floor.until(floor.flat)
    numbers = ("quantity", "price", "stopPrice", "triggerPrice")
    steps = {"quantity": floor.instrument.lot_size}
    requests = floor.rig.ordered()
    for request in requests:
        for name in numbers:
            if name in request.params:
                told = request.params[name]
                assert set(told) <= set("0123456789."), f"{name}={told}"
                assert D(told) % steps.get(name, floor.instrument.tick_size) == 0
                assert D(told) > 0
    assert all(request.status == 200 for request in requests)
    floor.check()
