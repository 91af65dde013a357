"""The engine, unchanged, on a live venue: entry, resting stop, way out, restart."""

import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from tests.contract.live_rigs import SpotRig, UsdmRig
from tests.faults.live_floor import Scripted
from tradewinds.config import Settings
from tradewinds.engine.driver import Driver
from tradewinds.engine.engine import Engine
from tradewinds.model import events as ev
from tradewinds.model.ids import Asset, run_id
from tradewinds.model.market import Quote, Side
from tradewinds.model.order import Purpose
from tradewinds.model.portfolio import TradingState
from tradewinds.model.signal import EnterSignal
from tradewinds.parts import engine_settings_of
from tradewinds.practice.faults import Drop, Reply
from tradewinds.store.memory import MemoryJournal

D = Decimal
SECOND = 1_000_000_000


class Floor:
    """An engine whose venue is a rig's, and a market that shows what the rig's venue shows."""

    def __init__(self, rig: Any, balances: dict[Asset, Decimal], checkpoint: Any = None) -> None:
        self.rig = rig
        self.strategy = Scripted(rig.instrument.id)
        self.engine = Engine(engine_settings_of(Settings()), [self.strategy])  # type: ignore[list-item]
        self.driver = Driver(self.engine, rig.live, MemoryJournal(), beat_ns=SECOND)
        self.price = (19_999.0, 20_001.0)
        orders = () if checkpoint is None else checkpoint.orders
        if checkpoint is not None:
            rig.live.restore(checkpoint)
        state = rig.read_state(orders)
        now = time.time_ns()
        self.driver.start(
            ev.RunStarted(
                run_id=run_id("test", now),
                account="test",
                instruments=(rig.instrument,),
                opening_balances=balances,
                checkpoint=checkpoint,
                settings="",
                venue_time_ns=now,
                received_time_ns=now,
            ),
            state,
        )
        rig.take = self.take

    def take(self) -> None:
        """Time passes in the engine, with a quote each time."""
        now = time.time_ns()
        self.driver.market(
            Quote(
                instrument_id=self.rig.instrument.id,
                bid=self.price[0],
                ask=self.price[1],
                bid_size=10.0,
                ask_size=10.0,
                venue_time_ns=now,
                received_time_ns=now,
            )
        )
        self.driver.pass_time(now)

    def move(self, bid: float, ask: float) -> None:
        self.price = (bid, ask)
        self.rig.quote(bid, ask)

    def enter(self, stop: float) -> None:
        self.strategy.say = [
            EnterSignal(
                strategy_id=self.strategy.strategy_id,
                instrument_id=self.rig.instrument.id,
                side=Side.BUY,
                stop_price=stop,
                target_price=None,
                confidence=0.9,
                reason="test",
            )
        ]

    @property
    def trades(self) -> list[Any]:
        return list(self.engine.floor.portfolio.trades.values())

    def stops(self) -> list[Any]:
        working = self.engine.floor.portfolio.orders.working()
        return [o for o in working if o.approved.purpose is Purpose.STOP]

    def held(self) -> Decimal:
        return sum((trade.quantity for trade in self.trades), D(0))


@pytest.fixture(params=["spot", "usdm"])
def floor(request: pytest.FixtureRequest) -> Iterator[Floor]:
    if request.param == "spot":
        rig: Any = SpotRig(balances={"USDT": "1000"})
    else:
        rig = UsdmRig(wallet="1000")
    rig.do(rig.live.connect())
    rig.start()
    yield Floor(rig, {Asset("USDT"): D(1000)})
    rig.close()


def bought(floor: Floor) -> None:
    floor.enter(19_700.0)
    floor.rig.until(lambda: floor.held() > 0 and bool(floor.rig.standing()))


def test_an_entry_is_protected_by_a_stop_at_the_venue_within_two_seconds(floor: Floor) -> None:
    began = time.monotonic()
    bought(floor)
    assert time.monotonic() - began < 2
    stop = floor.stops()[0].approved
    assert floor.rig.standing() == [stop.client_order_id]
    assert stop.trigger_price == D(19_700)
    lot = floor.rig.instrument.lot_size
    assert floor.held() - stop.quantity < lot
    assert floor.rig.held() - floor.held() < lot


def test_a_stop_that_fires_leaves_engine_and_venue_flat_and_of_one_mind(floor: Floor) -> None:
    bought(floor)
    floor.move(19_690.0, 19_692.0)
    floor.rig.until(lambda: not floor.trades)
    assert floor.rig.held() < floor.rig.instrument.lot_size
    assert floor.rig.standing() == []
    ledger = floor.engine.floor.portfolio.ledger.balances
    wallet = floor.rig.read_state().balances
    assert abs(ledger[Asset("USDT")] - wallet[Asset("USDT")]) < D("0.00000001")


def test_a_stop_that_is_refused_closes_the_position_at_once(floor: Floor) -> None:
    body = b'{"code":-2021,"msg":"Order would immediately trigger."}'
    place = "usdm POST /fapi/v1/algoOrder"
    if isinstance(floor.rig, SpotRig):
        body = b'{"code":-2010,"msg":"Order would trigger immediately."}'
        place = "spot POST /api/v3/order"
        no_lists = b'{"code":-1013,"msg":"OTO orders are not supported for this symbol."}'
        floor.rig.fault("spot POST /api/v3/orderList/*", Reply(status=400, body=no_lists))
    floor.rig.fault(place, Reply(status=400, body=body), skip=isinstance(floor.rig, SpotRig))
    floor.enter(19_700.0)
    floor.rig.until(lambda: bool(floor.trades))
    began = time.monotonic()
    floor.rig.until(lambda: not floor.trades)
    assert time.monotonic() - began < 2
    assert floor.rig.held() < floor.rig.instrument.lot_size
    assert floor.rig.standing() == []


def test_an_emergency_stop_makes_the_venue_flat(floor: Floor) -> None:
    bought(floor)
    now = time.time_ns()
    floor.driver.inject(
        ev.EmergencyStop(command_id="e", reason="test", venue_time_ns=now, received_time_ns=now)
    )
    floor.rig.until(lambda: not floor.trades)
    assert floor.rig.held() < floor.rig.instrument.lot_size
    assert floor.rig.standing() == []
    assert floor.engine.floor.breaker.state is TradingState.HALTED


def test_a_stop_that_fired_while_nobody_ran_is_found_at_the_next_start(floor: Floor) -> None:
    bought(floor)
    checkpoint = floor.engine.checkpoint()
    floor.rig.fault("* user *", Drop(), times=None)
    floor.rig.restart()
    floor.rig.practice.faults.rules.clear()
    floor.rig.show(19_690, 19_692)
    again = Floor(floor.rig, {Asset("USDT"): D(1000)}, checkpoint)
    again.price = (19_690.0, 19_692.0)
    floor.rig.start()
    floor.rig.until(lambda: not again.trades)
    assert floor.rig.standing() == []
    ledger = again.engine.floor.portfolio.ledger.balances
    wallet = floor.rig.read_state().balances
    assert abs(ledger[Asset("USDT")] - wallet[Asset("USDT")]) < D("0.00000001")
