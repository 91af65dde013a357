"""E1, E6 and C8 on paper: a restart forgets no loss, no halt, no switch and no position."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec

from tradewinds.model import events as ev
from tradewinds.model.checkpoint import Checkpoint
from tradewinds.model.commands import RecordRefusal, RecordTransaction
from tradewinds.model.ids import InstrumentId
from tradewinds.model.order import Purpose
from tradewinds.model.portfolio import TradePhase, TradingState
from tradewinds.sim.settings import SimSettings
from tradewinds.sim.venue import SimVenue

BTC, ETH, ETHBTC = (InstrumentId(f"{s}@sim") for s in ("BTC/USDT", "ETH/USDT", "ETH/BTC"))
SECOND = 1_000_000_000
DAY = 86_400 * SECOND
Make = Callable[..., Any]


def through_the_store(checkpoint: Checkpoint) -> Checkpoint:
    """As the database gives it back."""
    return msgspec.msgpack.decode(msgspec.msgpack.encode(checkpoint), type=Checkpoint)


def restarted(make_rig: Make, old: Any, after_s: float = 5, **changes: Any) -> Any:
    """Another engine on another simulated venue: all that is left is the durable checkpoint."""
    saved = changes.pop("checkpoint", None) or old.engine.checkpoint()
    instruments = old.instruments
    sim = SimVenue(instruments, {}, SimSettings())
    rig = make_rig(
        venue=sim,
        checkpoint=through_the_store(saved),
        start_ns=old.now + int(after_s * SECOND),
        instruments=instruments,
        **changes,
    )
    rig.sim = sim
    return rig


def settle(rig: Any, seconds: int = 3) -> None:
    """Quotes for everything and time, until nothing moves any more."""
    for _ in range(seconds * 2):
        for each in (BTC, ETH, ETHBTC):
            rig.quote(each)
        rig.pass_time(0.5)


def lose(rig: Any, times: int) -> Decimal:
    """Round trips that cost their fees; what the day has lost."""
    for _ in range(times):
        rig.leave(rig.position())
        rig.quote()
        rig.pass_time(0.5)
    lost = -rig.engine.floor.portfolio.realised(rig.engine.floor.breaker.day)
    assert lost > 0
    return Decimal(lost)


def test_e1_positions_keep_their_place_and_get_their_stops_again(make_rig: Make, rig: Any) -> None:
    rig.position(BTC)
    rig.position(ETH)
    ledger = dict(rig.engine.floor.portfolio.ledger.balances)
    new = restarted(make_rig, rig)
    settle(new)
    assert new.engine.floor.portfolio.ledger.balances == ledger
    assert {t.trade_id for t in new.trades} == {t.trade_id for t in rig.trades}
    assert len(new.sim.working_orders()) == 2
    new.check()


def test_e1_a_stop_that_was_lost_is_placed_again(make_rig: Make, rig: Any) -> None:
    trade = rig.position()
    saved = rig.engine.checkpoint()
    without = msgspec.structs.replace(saved, orders=())
    new = restarted(make_rig, rig, checkpoint=without)
    new.pass_time(0.2)
    (stop,) = new.sim.working_orders()
    assert (stop.purpose, stop.quantity) == (Purpose.STOP, trade.quantity)
    assert stop.trigger_price == trade.stop_price
    new.check()


def test_e1_an_entry_that_was_on_its_way_is_canceled(make_rig: Make, rig: Any) -> None:
    rig.quote()
    rig.enter(limit_price=19_900.0)
    rig.quote()
    rig.pass_time(0.2)
    new = restarted(make_rig, rig)
    settle(new)
    assert new.flat()
    assert not new.trades


def test_e1_a_position_that_was_being_closed_is_closed(make_rig: Make, rig: Any) -> None:
    trade = rig.position()
    rig.leave(trade)
    rig.quote()
    assert rig.trades[0].phase is TradePhase.CLOSING
    new = restarted(make_rig, rig)
    settle(new)
    assert new.flat()
    assert not new.trades
    new.check()


def test_e1_what_a_broken_cycle_left_is_sold(make_rig: Make, rig: Any) -> None:
    for each in (BTC, ETH, ETHBTC):
        rig.quote(each)
    rig.cycle()
    rig.quote()
    rig.pass_time(0.06)
    assert rig.sim.balances["BTC"] > 0, "the first leg is done, the second on its way"
    new = restarted(make_rig, rig)
    settle(new)
    assert new.flat()
    assert new.state is TradingState.ACTIVE, "an interrupted cycle is no reason to halt"
    new.check()


def test_e1_what_is_held_without_order_and_round_trip_is_sold(make_rig: Make, rig: Any) -> None:
    for each in (BTC, ETH, ETHBTC):
        rig.quote(each)
    rig.cycle()
    rig.quote()
    rig.pass_time(0.06)
    lost = msgspec.structs.replace(rig.engine.checkpoint(), orders=())
    new = restarted(make_rig, rig, checkpoint=lost)
    (trade,) = new.trades
    assert trade.quantity == rig.sim.balances["BTC"]
    settle(new)
    assert new.flat()
    new.check()


def checkpoints_of_a_day(rig: Any) -> list[tuple[int, Checkpoint]]:
    """Every state that was ever durable: entries, fills, stops, exits, a cycle, a switch."""
    kept: list[tuple[int, Checkpoint]] = []
    flush = rig.journal.flush

    def remembering(checkpoint: Checkpoint | None) -> None:
        flush(checkpoint)
        if checkpoint is not None:
            kept.append((rig.now, checkpoint))

    rig.journal.flush = remembering
    rig.position(BTC)
    rig.tighten(rig.trades[0], 19_500.0)
    rig.quote()
    rig.pass_time(0.3)
    rig.cycle()
    for _ in range(4):
        settle(rig, 1)
    rig.position(ETH)
    for trade in rig.trades:
        rig.leave(trade)
        rig.quote()
        rig.pass_time(0.02)
        rig.driver.make_durable()
        rig.pass_time(0.5)
    return kept


def test_e1_killed_after_any_durable_step_it_goes_on_without_a_stray(
    make_rig: Make, rig: Any, measured: Any
) -> None:
    kept = checkpoints_of_a_day(rig)
    assert len(kept) >= 12
    for at, checkpoint in kept:
        rig.now = at
        new = restarted(make_rig, rig, checkpoint=checkpoint)
        settle(new)
        new.check()
        assert not new.engine.floor.portfolio.strays()
        held = {t.instrument_id: t.quantity for t in new.trades}
        for asset, market in (("BTC", BTC), ("ETH", ETH)):
            stray = new.sim.balances.get(asset, Decimal(0)) - held.get(market, Decimal(0))
            assert 0 <= stray < Decimal("0.005"), f"{stray} {asset} without a round trip"
        ids = [c.transaction.transaction_id for c in new.of(RecordTransaction)]
        assert len(ids) == len(set(ids))
    measured(f"E1: killed after each of {len(kept)} durable steps, nothing stray")


def test_c8_the_days_loss_is_not_reset(make_rig: Make, rig: Any) -> None:
    lost = lose(rig, 3)
    new = restarted(make_rig, rig)
    breaker = new.engine.floor.breaker
    assert -new.engine.floor.portfolio.realised(breaker.day) == lost
    assert breaker.day_start_equity == Decimal(1000)


def test_c8_the_limit_that_was_hit_holds_until_the_next_day(make_rig: Make, rig: Any) -> None:
    rig.position()
    rig.quote(mid=18_100.0)
    rig.pass_time(0.5)
    assert rig.state is TradingState.HALTED
    lost = -rig.engine.floor.portfolio.realised(rig.engine.floor.breaker.day)
    assert lost > 20, "the gap through the stop is booked as it was"
    new = restarted(make_rig, rig)
    assert new.state is TradingState.HALTED
    new.resume()
    assert new.state is TradingState.HALTED, "the operator cannot lift the day's limit"
    back = restarted(make_rig, new, after_s=-7200)
    assert back.state is TradingState.HALTED, "a clock put back opens no new day"
    yesterday = restarted(make_rig, new, after_s=-86_400)
    yesterday.now = new.now + SECOND
    settle(yesterday, 1)
    assert yesterday.state is TradingState.HALTED, "nor does the day it comes back to"
    tomorrow = restarted(make_rig, new, after_s=86_400)
    settle(tomorrow)
    assert tomorrow.state is TradingState.ACTIVE


def test_c8_a_loss_before_midnight_does_not_count_after_it(make_rig: Make, rig: Any) -> None:
    midnight = (rig.now // DAY + 1) * DAY
    rig.now = midnight - 30 * SECOND
    settle(rig, 2)
    lose(rig, 2)
    assert rig.now < midnight
    rig.now = midnight
    settle(rig, 1)
    assert rig.engine.floor.portfolio.realised(rig.engine.floor.breaker.day) == 0
    assert rig.engine.floor.breaker.day_start_equity < 1000


def test_e6_an_operators_halt_outlives_the_restart(make_rig: Make, rig: Any) -> None:
    rig.position()
    rig.emergency()
    new = restarted(make_rig, rig, after_s=0.01)
    assert new.state is TradingState.HALTED
    settle(new)
    assert new.flat(), "what the emergency had begun is finished"
    new.enter()
    new.quote()
    assert new.of(RecordRefusal)[-1].refusal.check == "trading_active"


def test_e6_a_switched_off_strategy_stays_off(make_rig: Make, rig: Any) -> None:
    rig.inject(
        ev.StrategySwitched(
            command_id="s",
            strategy_id=rig.strategy.strategy_id,
            enabled=False,
            venue_time_ns=rig.now,
            received_time_ns=rig.now,
        )
    )
    new = restarted(make_rig, rig)
    settle(new, 1)
    new.enter()
    new.quote()
    assert "switched off" in new.of(RecordRefusal)[-1].refusal.reason


def test_e6_a_fill_of_the_earlier_run_is_not_booked_again(make_rig: Make, rig: Any) -> None:
    rig.position()
    fills = [m for _, _, m in rig.journal.entries if isinstance(m, ev.OrderFilled)]
    new = restarted(make_rig, rig)
    before = dict(new.engine.floor.portfolio.ledger.balances)
    new.inject(fills[0])
    assert new.engine.floor.portfolio.ledger.balances == before
    assert new.anomalies() == {"duplicate_fill": 1}


def test_e6_without_a_fresh_price_nothing_is_entered_after_a_restart(
    make_rig: Make, rig: Any
) -> None:
    rig.position()
    new = restarted(make_rig, rig, after_s=3600)
    new.enter(ETH)
    new.quote(BTC)
    assert new.of(RecordRefusal)[-1].refusal.check in ("market_fresh", "sizing")
    assert not new.submitted(Purpose.ENTER)
