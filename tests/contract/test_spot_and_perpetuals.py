"""Spot and perpetuals in one engine: one account, one reconciliation, troubles apart."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from tests.contract.joint_rig import JointRig
from tradewinds.config import Settings
from tradewinds.engine.driver import Driver
from tradewinds.engine.engine import Engine
from tradewinds.engine.purses import Purses
from tradewinds.model import events as ev
from tradewinds.model.errors import VenueUnavailable
from tradewinds.model.ids import Asset, StrategyId, run_id
from tradewinds.model.instrument import Instrument
from tradewinds.model.market import Quote, Side
from tradewinds.model.order import Purpose
from tradewinds.model.portfolio import TradingState
from tradewinds.model.signal import EnterSignal, Signal
from tradewinds.parts import engine_settings_of
from tradewinds.ports import Subscription
from tradewinds.practice.faults import Drop, Reply
from tradewinds.store.memory import MemoryJournal

D = Decimal
SECOND = 1_000_000_000
USDT = Asset("USDT")
DOWN = Reply(status=502, body=b"<html/>")


class Scripted:
    """Says at the next quote what the test wants said."""

    def __init__(self, instruments: tuple[Instrument, ...]) -> None:
        self.strategy_id = StrategyId("scripted")
        self.say: list[Signal] = []
        self._instruments = instruments

    def subscriptions(self) -> Any:
        return [Subscription(kind=Quote, instrument_id=i.id) for i in self._instruments]

    def on_event(self, event: Any, view: Any) -> Any:
        said, self.say = self.say, []
        return said


class Both:
    """An engine on a joint rig; both markets show the same price."""

    def __init__(self, rig: JointRig, checkpoint: Any = None) -> None:
        self.rig = rig
        self.instruments = (rig.spot, rig.perpetual)
        self.strategy = Scripted(self.instruments)
        self.engine = Engine(engine_settings_of(Settings()), [self.strategy])  # type: ignore[list-item]
        self.journal = MemoryJournal()
        self.driver = Driver(self.engine, rig.live, self.journal, beat_ns=SECOND)
        self.price = (19_999.0, 20_001.0)
        if checkpoint is not None:
            rig.live.restore(checkpoint)
        state = rig.read_state(() if checkpoint is None else checkpoint.orders)
        now = self.now
        self.driver.start(
            ev.RunStarted(
                run_id=run_id("test", now),
                account="test",
                instruments=self.instruments,
                opening_balances={USDT: state.balances[USDT]},
                checkpoint=checkpoint,
                settings="",
                venue_time_ns=now,
                received_time_ns=now,
            ),
            state,
        )
        rig.take = self.take  # type: ignore[method-assign]

    @property
    def now(self) -> int:
        return self.rig.edge().now_ns()

    def take(self) -> None:
        """Time passes in the engine, with a quote of each market."""
        now = self.now
        for instrument in self.instruments:
            self.driver.market(
                Quote(
                    instrument_id=instrument.id,
                    bid=self.price[0],
                    ask=self.price[1],
                    bid_size=10.0,
                    ask_size=10.0,
                    venue_time_ns=now,
                    received_time_ns=now,
                )
            )
        self.driver.pass_time(now)
        running = self.rig._running
        if running is not None and running.done():
            running.result()

    def enter(self, instrument: Instrument) -> None:
        """Bought, with its stop standing at the venue."""
        self.strategy.say = [entry(self, instrument)]
        self.rig.until(lambda: self.guarded(instrument))

    def guarded(self, instrument: Instrument) -> bool:
        return self.held(instrument) > 0 and set(self.stops(instrument)) <= set(self.rig.standing())

    def held(self, instrument: Instrument) -> Decimal:
        return sum((t.quantity for t in self.trades(instrument)), D(0))

    def trades(self, instrument: Instrument) -> list[Any]:
        trades = self.engine.floor.portfolio.trades.values()
        return [t for t in trades if t.instrument_id == instrument.id]

    def stops(self, instrument: Instrument) -> list[str]:
        working = (o.approved for o in self.engine.floor.portfolio.orders.working())
        found = [o for o in working if o.purpose is Purpose.STOP]
        assert found or not self.held(instrument), "a position without its stop"
        return [o.client_order_id for o in found if o.instrument_id == instrument.id]

    def readings(self, *, whole: bool) -> list[ev.VenueStateRead]:
        told = (e for e in self.journal.events if isinstance(e, ev.VenueStateRead))
        return [reading for reading in told if reading.whole is whole]

    def anomalies(self) -> list[str]:
        return [c.kind for c in self.journal.commands if hasattr(c, "kind")]

    state = property(lambda self: self.engine.floor.breaker.state)
    reason = property(lambda self: self.engine.floor.breaker.reason)
    money = property(lambda self: self.engine.floor.portfolio.ledger.balances[USDT])

    def quiet(self) -> None:
        """Until a whole reading after ten quiet seconds has been compared."""
        self.rig.settle()
        self.rig.skip(11)
        before = len(self.readings(whole=True))
        self.rig.live.look("test")
        self.rig.until(lambda: len(self.readings(whole=True)) > before)
        self.rig.settle()


@pytest.fixture
def both() -> Iterator[Both]:
    rig = JointRig()
    rig.do(rig.live.connect())
    made = Both(rig)
    rig.start()
    rig.until(rig.up)
    yield made
    rig.close()


def test_the_account_opens_with_the_sum_of_both_wallets(both: Both) -> None:
    assert both.money == D(1_500)
    assert both.state is TradingState.ACTIVE


def test_orders_go_where_their_market_is_and_the_books_agree(both: Both) -> None:
    both.enter(both.rig.spot)
    both.enter(both.rig.perpetual)
    lot = both.rig.spot.lot_size
    assert abs(both.held(both.rig.spot) - both.rig.held()) < lot
    assert both.held(both.rig.perpetual) == both.rig.position()
    both.quiet()
    assert abs(both.money - both.rig.money()) < D("1e-7")
    assert not {"external_change", "external_position"} & set(both.anomalies())
    assert both.state is TradingState.ACTIVE


def test_brackets_are_declared_for_spot_alone(both: Both) -> None:
    both.rig.until(lambda: bool(both.engine.floor.brackets))
    assert both.engine.floor.brackets == {both.rig.spot.id}


def test_stops_of_both_fire_and_leave_nothing(both: Both) -> None:
    both.enter(both.rig.spot)
    both.enter(both.rig.perpetual)
    both.price = (19_690.0, 19_692.0)
    both.rig.quote(19_690, 19_692)
    both.rig.until(lambda: not both.engine.floor.portfolio.trades)
    assert both.rig.position() == 0
    assert both.rig.held() < both.rig.spot.lot_size
    assert both.rig.standing() == []
    both.quiet()
    assert abs(both.money - both.rig.money()) < D("1e-7")


def test_a_futures_venue_in_trouble_stops_entries_and_no_spot_close(both: Both) -> None:
    both.enter(both.rig.spot)
    both.rig.fault("usdm *", DOWN, times=None)
    both.rig.fault("usdm-stream user *", Drop(), times=None)
    both.rig.live.look("test")
    both.rig.until(lambda: both.state is TradingState.REDUCING)
    assert both.reason.startswith("perpetual: ")
    trade = both.trades(both.rig.spot)[0]
    both.engine.closer.request_exit(trade.trade_id, "test")
    both.rig.until(lambda: not both.trades(both.rig.spot))
    assert both.rig.held() < both.rig.spot.lot_size
    both.rig.practice.faults.rules.clear()
    both.rig.until(lambda: both.state is TradingState.ACTIVE)


def test_a_spot_fill_during_futures_trouble_is_booked_by_a_reading_of_spot_alone(
    both: Both,
) -> None:
    both.enter(both.rig.spot)
    both.rig.settle()
    both.rig.fault("usdm GET *", DOWN, times=None)
    both.rig.fault("spot-api user *", Drop(), times=None)
    both.price = (19_690.0, 19_692.0)
    both.rig.quote(19_690, 19_692)
    both.rig.live.look("test")
    both.rig.until(lambda: not both.trades(both.rig.spot))
    assert any(reading.fills for reading in both.readings(whole=False))
    assert not both.readings(whole=False)[0].balances
    assert not {"external_change", "external_position"} & set(both.anomalies())


def test_money_moved_between_the_wallets_is_no_change_of_the_account(both: Both) -> None:
    both.quiet()
    usdm = both.rig.practice.usdm
    account = both.rig.key.account
    owner = usdm.owner(account)
    account.balance("USDT").free -= D(200)
    owner.wallet += D(200)
    both.quiet()
    assert both.money == D(1_500)
    assert "external_change" not in both.anomalies()


def test_money_that_leaves_is_told_and_booked(both: Both) -> None:
    both.quiet()
    both.rig.key.account.balance("USDT").free -= D(50)
    both.quiet()
    both.rig.until(lambda: both.money == D(1_450))
    assert "external_change" in both.anomalies()


def test_after_a_restart_both_are_taken_up(both: Both) -> None:
    both.enter(both.rig.spot)
    both.enter(both.rig.perpetual)
    checkpoint = both.engine.checkpoint()
    rig = both.rig
    rig.restart()
    again = Both(rig, checkpoint)
    rig.start()
    rig.until(rig.up)
    again.quiet()
    assert again.state is TradingState.ACTIVE
    assert again.guarded(rig.spot)
    assert again.guarded(rig.perpetual)
    assert abs(again.money - rig.money()) < D("1e-7")


def test_an_entry_that_its_own_wallet_cannot_pay_for_is_refused_before_it_leaves() -> None:
    rig = JointRig(wallet="5")
    rig.do(rig.live.connect())
    both = Both(rig)
    both.engine.floor.purses = Purses()  # The edge stands alone, as if the engine had not looked.
    rig.start()
    rig.until(rig.up)
    both.strategy.say = [entry(both, rig.perpetual)]
    rig.until(lambda: bool(rejections(both)))
    (told,) = rejections(both)
    assert told.reason.startswith("not sent: the perpetual wallet has 5 USDT free")
    assert rig.standing() == []
    both.enter(rig.spot)
    assert len(rejections(both)) == 1, "the other wallet pays for its own"
    assert both.state is TradingState.ACTIVE
    rig.close()


def test_an_entry_is_no_larger_than_what_its_own_wallet_can_pay_for() -> None:
    rig = JointRig(wallet="100")
    rig.do(rig.live.connect())
    both = Both(rig)
    rig.start()
    rig.until(rig.up)
    both.enter(rig.perpetual)
    assert 0 < both.held(rig.perpetual) < D("0.025"), "as much as 500 there would have paid for"
    both.enter(rig.spot)
    assert both.held(rig.spot) * 20_000 > 100, "the other wallet pays for its own"
    assert rejections(both) == []
    rig.close()


def rejections(both: Both) -> list[ev.OrderRejected]:
    return [event for event in both.journal.events if isinstance(event, ev.OrderRejected)]


def entry(both: Both, instrument: Instrument) -> Signal:
    return EnterSignal(
        strategy_id=both.strategy.strategy_id,
        instrument_id=instrument.id,
        side=Side.BUY,
        stop_price=19_700.0,
        confidence=0.9,
        reason="test",
    )


def test_nothing_starts_while_one_wallet_cannot_be_read() -> None:
    rig = JointRig()
    rig.do(rig.live.connect())
    rig.fault("usdm GET /fapi/v3/account", DOWN, times=None)
    with pytest.raises(VenueUnavailable):
        rig.read_state()
    rig.close()
