"""What lies at the venue and is not ours: left alone, not counted, flagged when it changes."""

from collections.abc import Mapping
from decimal import Decimal

from tests.faults.conftest import BTC, PRICES, Rig
from tradewinds.engine.reconcile import STOPPING
from tradewinds.model import events as ev
from tradewinds.model.commands import RecordAnomaly, RecordTransaction
from tradewinds.model.ids import Asset, FillId
from tradewinds.model.ledger import Account
from tradewinds.model.market import Side
from tradewinds.model.order import Fill, Purpose
from tradewinds.model.portfolio import TradingState

D = Decimal
USDT, COIN, FEES = Asset("USDT"), Asset("BTC"), Asset("BNB")


def reading(rig: Rig, more: Mapping[Asset, Decimal] | None = None) -> None:
    """The venue's state as it is, with `more` of some assets."""
    rig.pass_time(11)
    balances = dict(rig.sim.balances)
    for asset, quantity in (more or {}).items():
        balances[asset] = balances.get(asset, D(0)) + quantity
    rig.inject(
        ev.VenueStateRead(
            balances=balances,
            orders=(),
            positions=(),
            fills=(),
            venue_time_ns=rig.now,
            received_time_ns=rig.now,
        )
    )


def told(rig: Rig) -> list[str]:
    return [c.detail for c in rig.of(RecordAnomaly) if c.kind == "external_change"]


def equity(rig: Rig) -> Decimal:
    found = rig.engine.floor.portfolio.equity()
    assert found is not None
    return found


def bought(rig: Rig) -> None:
    rig.quote()
    rig.enter()
    rig.quote()
    rig.pass_time(1)
    assert rig.trades


def test_what_was_there_before_us_is_neither_counted_nor_flagged() -> None:
    rig = Rig()
    rig.quote()
    reading(rig, {COIN: D(1), FEES: D(5)})
    assert equity(rig) == 1000
    assert told(rig) == []
    rig.quote(mid=PRICES[BTC] * 0.9)
    assert equity(rig) == 1000
    assert rig.state is TradingState.ACTIVE


def test_what_the_user_buys_for_himself_is_flagged_once_and_stays_his() -> None:
    rig = Rig()
    rig.quote()
    reading(rig)
    for _ in range(3):
        reading(rig, {COIN: D("0.5"), USDT: D(-300)})
    assert told(rig).count("+0.5 BTC of your own, not ours") == 1
    assert told(rig).count("-300 USDT") == 1
    assert rig.engine.floor.portfolio.ledger.balances.get(COIN, D(0)) == 0


def test_money_that_leaves_is_no_loss() -> None:
    rig = Rig()
    rig.quote()
    reading(rig)
    reading(rig, {USDT: D(-300)})
    assert equity(rig) == 700
    breaker = rig.engine.floor.breaker
    assert breaker.drawdown(D(700)) == 0
    assert breaker.day_start_equity == 700
    assert breaker.shifted == -300
    assert rig.state is TradingState.ACTIVE


def test_of_what_we_bought_the_user_may_sell_and_the_round_trip_shrinks() -> None:
    rig = Rig()
    bought(rig)
    reading(rig)
    held = rig.trades[0].quantity
    reading(rig, {COIN: -held / 2})
    assert rig.trades[0].quantity == held / 2
    assert any("BTC" in line for line in told(rig))


def test_the_first_reading_of_a_run_is_compared_at_once() -> None:
    before = Rig()
    bought(before)
    held = before.sim.balances[COIN]
    rig = Rig(checkpoint=before.engine.checkpoint(), start_ns=before.now + 1)
    rig.inject(
        ev.VenueStateRead(
            balances={USDT: before.sim.balances[USDT] - 100, COIN: held},
            orders=(),
            positions=(),
            fills=(),
            venue_time_ns=rig.now,
            received_time_ns=rig.now,
        )
    )
    assert told(rig) == ["-100 USDT"]


def trouble(rig: Rig, cause: str, reason: str) -> None:
    rig.inject(
        ev.VenueTroubleChanged(
            cause=cause, reason=reason, venue_time_ns=rig.now, received_time_ns=rig.now
        )
    )


def test_nothing_is_risked_before_the_first_reading_has_been_taken_in() -> None:
    rig = Rig()
    trouble(rig, "reconcile", "not yet compared with the venue")
    rig.quote()
    rig.enter()
    rig.quote()
    assert rig.submitted() == []
    assert rig.reason == "not yet compared with the venue"
    reading(rig)
    rig.quote()
    rig.enter()
    rig.quote()
    assert rig.submitted(Purpose.ENTER)


def test_an_engine_that_stops_withdraws_what_could_still_open() -> None:
    rig = Rig()
    rig.quote()
    rig.enter(limit_price=PRICES[BTC] * 0.99)
    rig.quote()
    entries = [o for o in rig.working if o.approved.purpose is Purpose.ENTER]
    assert entries
    trouble(rig, STOPPING, "this engine is stopping")
    rig.pass_time(1)
    assert not [o for o in rig.working if o.approved.purpose is Purpose.ENTER]
    assert rig.state is TradingState.REDUCING


def test_a_fee_in_a_coin_of_the_users_own_is_a_cost_and_not_our_end() -> None:
    rig = Rig()
    bought(rig)
    trade = rig.trades[0]
    (stop,) = rig.submitted(Purpose.STOP)
    price = D(str(PRICES[BTC]))
    fill = Fill(
        fill_id=FillId("f-own-coin"),
        client_order_id=stop.client_order_id,
        instrument_id=BTC,
        side=Side.SELL,
        quantity=trade.quantity,
        price=price,
        fee=D("0.001"),
        fee_asset=FEES,
        maker=False,
        venue_time_ns=rig.now,
        received_time_ns=rig.now,
    )
    report = ev.OrderFilled(fill=fill, venue_time_ns=rig.now, received_time_ns=rig.now)
    rig.inject(report)
    rig.inject(report)
    assert not rig.trades
    booked = [c.transaction for c in rig.of(RecordTransaction)]
    fees = [t for t in booked if t.transaction_id.startswith("external:fee:")]
    assert len(fees) == 1
    assert all(sum(p.value for p in t.postings) == 0 for t in booked)
    paid = [p for p in booked[-1].postings if p.account is Account.FEES]
    assert paid
    assert rig.engine.floor.portfolio.ledger.balances.get(FEES, D(0)) == 0
