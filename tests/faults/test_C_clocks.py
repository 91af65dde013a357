"""Rows C8 to C10 and A13 of the scorecard: days, clocks that are set, sleep, funding, dollars."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from tests.faults.live_floor import opened
from tests.gateways.scripted import Hand
from tradewinds.engine.clock import WallClock
from tradewinds.gateways.ccxt_orders import Edge
from tradewinds.gateways.live_venue import LiveTerms
from tradewinds.gateways.steady_clock import SteadyClock, passed_since_boot_ns
from tradewinds.gateways.user_stream import StreamEdge
from tradewinds.model import events as ev
from tradewinds.model.commands import RecordRefusal, SubmitOrder
from tradewinds.model.ids import Asset, ClientOrderId, FillId, InstrumentId
from tradewinds.model.order import Purpose
from tradewinds.model.portfolio import TradingState
from tradewinds.practice.faults import Drop

D = Decimal
SECOND = 1_000_000_000
HOUR = 3_600 * SECOND
DAY = 24 * HOUR
BTC, USDC = InstrumentId("BTC/USDT@sim"), InstrumentId("USDC/USDT@sim")
KINDS = ["spot", "usdm"]
Make = Callable[..., Any]


def at(text: str) -> int:
    """UTC."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * SECOND


def lose(rig: Any, amount: int) -> None:
    """A cost of this much, booked now, as funding is."""
    rig.inject(
        ev.FundingPaid(
            funding_id=f"cost-{rig.now}",
            instrument_id=BTC,
            asset=Asset("USDT"),
            amount=D(-amount),
            venue_time_ns=rig.now,
            received_time_ns=rig.now,
        )
    )


DAYS = {
    "an ordinary day": "2026-01-15",
    "a leap day": "2028-02-29",
    "the day clocks are put forward": "2026-03-29",
    "the day clocks are put back": "2026-10-25",
    "the last day of a year": "2026-12-31",
}


@pytest.mark.parametrize("name", DAYS)
def test_c8_nineteen_before_midnight_and_two_after_are_two_days(make_rig: Make, name: str) -> None:
    """The day is the UTC one, 24 hours each, whatever a calendar makes of it."""
    midnight = at(f"{DAYS[name]}T00:00:00") + DAY
    rig = make_rig(start_ns=midnight - 2 * SECOND)
    rig.quote()
    rig.now = midnight - SECOND
    lose(rig, 19)
    assert rig.state is TradingState.ACTIVE
    rig.enter(stop=0.9)
    rig.quote()
    assert all(order.worst_loss <= 1 for order in rig.submitted(Purpose.ENTER))
    rig.now = midnight
    lose(rig, 2)
    breaker, portfolio = rig.engine.floor.breaker, rig.engine.floor.portfolio
    assert breaker.day == midnight // DAY
    assert portfolio.realised(breaker.day) == -2
    assert rig.state is TradingState.ACTIVE


def test_c8_where_the_user_lives_changes_nothing(
    make_rig: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = []
    for zone in ("UTC", "America/Los_Angeles", "Pacific/Kiritimati"):
        monkeypatch.setenv("TZ", zone)
        rig = make_rig(start_ns=at("2026-03-28T23:59:30"))
        lose(rig, 19)
        rig.now += 40 * SECOND
        lose(rig, 2)
        breaker = rig.engine.floor.breaker
        told.append((breaker.day, rig.engine.floor.portfolio.realised(breaker.day)))
    assert told == [told[0]] * 3


def test_c8_a_clock_that_goes_back_over_midnight_opens_no_second_day(make_rig: Make) -> None:
    midnight = at("2026-01-16T00:00:00")
    rig = make_rig(start_ns=midnight - 5 * SECOND)
    rig.now = midnight + SECOND
    lose(rig, 19)
    day = rig.engine.floor.breaker.day
    rig.now = midnight - SECOND
    rig.quote()
    rig.now = midnight + 2 * SECOND
    lose(rig, 2)
    assert rig.engine.floor.breaker.day == day
    assert rig.state is TradingState.HALTED, "both belong to one day, and 21 is more than 20"


class Clocks:
    """What a machine's two clocks say."""

    def __init__(self) -> None:
        self.wall, self.monotonic = at("2026-05-01T12:00:00"), 77 * SECOND

    def pass_time(self, seconds: float) -> None:
        self.wall += int(seconds * SECOND)
        self.monotonic += int(seconds * SECOND)


def test_c9_a_clock_that_is_set_back_does_not_stop_what_waits() -> None:
    clocks = Clocks()
    clock = WallClock(lambda: clocks.wall, lambda: clocks.monotonic)
    before = clock.now_ns()
    clocks.pass_time(5)
    clocks.wall -= HOUR
    assert clock.now_ns() == before + 5 * SECOND
    clocks.pass_time(5)
    assert clock.now_ns() == before + 10 * SECOND


def test_c9_a_clock_that_is_set_forward_or_slept_is_followed() -> None:
    """Whichever it was: what was known is old now."""
    clocks = Clocks()
    clock = WallClock(lambda: clocks.wall, lambda: clocks.monotonic)
    clocks.wall += 2 * HOUR
    assert clock.now_ns() == clocks.wall


def test_c9_nothing_of_a_live_venue_waits_by_a_clock_that_can_be_set() -> None:
    clocks = Clocks()
    steady = SteadyClock(lambda: clocks.wall, lambda: clocks.monotonic)
    before = steady()
    clocks.pass_time(3)
    for step in (-HOUR, HOUR, 5 * HOUR):
        clocks.wall += step
        assert steady() == before + 3 * SECOND
    assert isinstance(Edge().now_ns, SteadyClock)
    assert passed_since_boot_ns() <= passed_since_boot_ns()


@pytest.mark.parametrize("step_s", [-3_600, 3_600])
def test_c9_after_a_step_of_the_clock_nothing_is_entered_by_old_prices(
    rig: Any, step_s: int
) -> None:
    trade = rig.position()
    told_at = rig.now
    rig.now += 3_600 * SECOND if step_s > 0 else 40 * SECOND
    sent = len(rig.of(SubmitOrder))
    for _ in range(4):
        # Set forward: the first price after it is new. Set back: prices look an hour old.
        venue_ns = rig.now if step_s > 0 else told_at
        told_at += SECOND // 1000
        rig.pass_time(1.1)
        rig.enter(InstrumentId("ETH/USDT@sim"))
        if step_s < 0:
            rig.quote(venue_time_ns=venue_ns, received_time_ns=venue_ns)
    assert rig.state is TradingState.REDUCING
    assert len(rig.of(SubmitOrder)) == sent
    assert rig.engine.floor.portfolio.orders.working_of(trade.trade_id), "its stop rests"
    rig.strategy.say.clear()
    rig.quote()
    rig.pass_time(1.1)
    assert rig.engine.floor.breaker.state == "active"


def test_c9_prices_that_come_but_are_old_are_told_as_a_matter_of_clocks(rig: Any) -> None:
    """As after this machine's clock was set back: all goes on, an hour behind."""
    for second in range(40):
        slot = rig.engine.floor.board.slots[BTC]
        past = rig.now - HOUR + second
        slot.quote_time = -1
        rig.quote(venue_time_ns=past, received_time_ns=past)
        rig.pass_time(1.0)
    assert rig.state is TradingState.REDUCING
    assert "is this machine's clock right?" in rig.reason


@pytest.mark.parametrize("kind", KINDS)
def test_c9_after_a_sleep_nothing_is_entered_before_the_state_was_read(kind: str) -> None:
    """A laptop sleeps for two hours with a position open; meanwhile its stop is taken away."""
    hand = Hand()
    edge = StreamEdge(now_s=hand.now_s, tick_s=0.02, overlap_s=0.1)
    with opened(kind, edge=edge, terms=LiveTerms(tick_s=0.01, look_gap_s=0.05)) as floor:
        floor.bought()
        everything = floor.rig.told.rpartition(" ")[0] + " *"
        floor.rig.fault(everything, Drop(), times=None)
        read, count = floor.readings(), len(floor.entries_asked())
        # In one go, as for who sleeps: no reading of a slow machine can come in between.
        floor.rig.take_stop_away()
        floor.rig.skip(7_200)
        hand.ahead_s += 7_200
        assert floor.stops(), "nobody has told"
        floor.until(lambda: ("asleep", True) in floor.causes())
        floor.enter()
        floor.until(lambda: ("asleep", False) in floor.causes())
        assert floor.readings() > read, "the venue was asked first"
        assert len(floor.entries_asked()) == count
        floor.rig.practice.faults.clear()
        floor.until(lambda: floor.flat() or floor.guarded())
        floor.until(lambda: floor.state is TradingState.ACTIVE)
        assert floor.rig.live.stream.rotations + floor.rig.live.stream.losses >= 1
        floor.check()


def test_c10_funding_while_nothing_is_held_counts_in_the_days_loss(rig: Any) -> None:
    """Flat here, but charged all the same: it is money, and it is today's."""
    rig.quote()
    lose(rig, 3)
    day = rig.engine.floor.breaker.day
    assert rig.engine.floor.portfolio.realised(day) == -3
    rig.pass_time(0.1)
    lose(rig, 18)
    assert rig.state is TradingState.HALTED


def test_c10_funding_every_four_hours_is_booked_each_time_once() -> None:
    with opened("usdm") as floor:
        floor.bought()
        practice = floor.rig.practice
        practice.usdm.exchange.markets["BTCUSDT"].funding_rate = D("0.0001")
        day = floor.engine.floor.breaker.day
        before = floor.engine.floor.portfolio.realised(day)
        for number in (1, 2):
            practice.clock.offset_ms += 4 * 3_600_000
            practice.usdm.force.fund("BTCUSDT")
            floor.until(lambda n=number: len(floor.rig.of(ev.FundingPaid)) == n)  # type: ignore[misc]
        floor.rig.live.look("again")
        floor.settle(0.4)
        assert len(floor.rig.of(ev.FundingPaid)) == 2
        paid = sum(p.amount for p in floor.rig.of(ev.FundingPaid))
        total = sum(floor.engine.floor.portfolio.realised(day + n) for n in (0, 1))
        assert total - before == paid < 0
        practice.clock.offset_ms = 0
        floor.check()


def dollars(rig: Any, price: float) -> None:
    rig.quote(USDC, price)
    rig.quote()
    rig.pass_time(1.1)


@pytest.fixture
def two_dollars(make_rig: Make) -> Any:
    """A market between two dollars beside the others."""
    probe = make_rig()
    usdc = type(probe.instruments[0])(
        **{
            **{name: getattr(probe.instruments[0], name) for name in FIELDS},
            "id": USDC, "symbol": "USDC/USDT", "base": Asset("USDC"),
        }
    )  # fmt: skip
    return make_rig(instruments=(*probe.instruments, usdc))


FIELDS = (
    "id", "symbol", "venue", "kind", "base", "quote", "settle", "tick_size", "lot_size",
    "min_quantity", "max_quantity", "min_notional", "maker_fee", "taker_fee",
)  # fmt: skip


@pytest.mark.parametrize("price", [1.11, 0.90])
def test_a13_while_two_dollars_disagree_nothing_is_entered(two_dollars: Any, price: float) -> None:
    """1.11: USDT, which we count in, has fallen. 0.90: USDC has. Which, no price can tell."""
    rig = two_dollars
    dollars(rig, 1.0)
    trade = rig.position()
    dollars(rig, price)
    assert rig.state is TradingState.REDUCING
    assert "off its peg" in rig.reason
    assert "USDC/USDT" in rig.reason
    rig.enter()
    rig.quote()
    assert rig.of(RecordRefusal)[-1].refusal.check == "trading_active"
    assert rig.engine.floor.portfolio.orders.working_of(trade.trade_id), "its stop rests"
    dollars(rig, 1.015)
    assert rig.state is TradingState.REDUCING, "near is not yet equal"
    dollars(rig, 1.001)
    assert rig.engine.floor.breaker.state == "active"
    rig.check()


def test_a13_a_dollar_that_is_held_and_falls_takes_equity_and_room_with_it(
    two_dollars: Any,
) -> None:
    rig = two_dollars
    dollars(rig, 1.0)
    buy = rig.engine.floor.portfolio.ledger
    before = rig.engine.floor.portfolio.equity()
    assert buy.balances == {Asset("USDT"): D(1000)}
    rig.inject(
        ev.OrderFilled(fill=fill_of(rig, D(500)), venue_time_ns=rig.now, received_time_ns=rig.now)
    )
    assert rig.engine.floor.portfolio.equity() == before
    dollars(rig, 0.9)
    assert round(before - rig.engine.floor.portfolio.equity(), 6) == 50
    assert rig.state is TradingState.HALTED, "more than a day's loss"


def fill_of(rig: Any, quantity: Decimal) -> Any:
    """The user bought dollars of the other kind."""
    from tradewinds.model.market import Side
    from tradewinds.model.order import Fill

    return Fill(
        fill_id=FillId("users"), client_order_id=ClientOrderId("web_1"), instrument_id=USDC,
        side=Side.BUY, quantity=quantity, price=D(1), fee=D(0), fee_asset=Asset("USDT"),
        maker=False,
        venue_time_ns=rig.now, received_time_ns=rig.now,
    )  # fmt: skip
