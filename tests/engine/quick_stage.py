"""Bars, quotes, a strategy that says what it is told, and the slow ways that the engine avoids."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, ClassVar

import pytest
from msgspec import Struct, structs

from tradewinds import parts
from tradewinds.config import load
from tradewinds.engine import board as board_module
from tradewinds.engine import upkeep
from tradewinds.engine.board import Board, Slot
from tradewinds.engine.driver import Driver
from tradewinds.engine.engine import Engine
from tradewinds.engine.lines import Lines, lines_of
from tradewinds.engine.portfolio import Portfolio
from tradewinds.engine.rest import Resting
from tradewinds.engine.settings import EngineSettings
from tradewinds.market.synthetic_perps import perpetual_instruments
from tradewinds.market.synthetic_spec import synthetic_instruments
from tradewinds.model import events as ev
from tradewinds.model.ids import Asset, InstrumentId, RunId, StrategyId
from tradewinds.model.instrument import Instrument
from tradewinds.model.market import Bar, Side
from tradewinds.model.portfolio import TradePhase
from tradewinds.model.signal import EnterSignal, ExitSignal, Signal, StopSignal
from tradewinds.ports import MarketView, Subscription
from tradewinds.sim import bars
from tradewinds.sim.settings import SimSettings
from tradewinds.sim.venue import SimVenue
from tradewinds.store.memory import MemoryJournal

MINUTE = 60_000_000_000
START = 1_700_000_000_000_000_000 // MINUTE * MINUTE
USDT = Asset("USDT")
OPENING = {USDT: Decimal(2000)}
WHO = StrategyId("puppet")
SPOT = structs.replace(
    next(i for i in synthetic_instruments() if i.symbol == "BTC/USDT"),
    min_notional=Decimal(20),
    lot_size=Decimal("0.001"),
    min_quantity=Decimal("0.001"),
)
PERPETUAL = perpetual_instruments()[0]
LIMITS = parts.limits_of(
    load(
        None,
        {
            "TRADEWINDS_HOME": "/nonexistent",
            "TRADEWINDS__LIMITS__LOSS_PER_TRADE_MAX": "30",
            "TRADEWINDS__LIMITS__LOSS_PER_DAY_MAX": "60",
        },
    )
)
Step = tuple[int, int, int, int, int, int, int]
"""Open, high, low, close in parts of the last close, volume, what is said, and of what market."""


class NoParams(Struct, frozen=True, kw_only=True):
    """None."""


class Puppet:
    """Says one thing at the next bar."""

    Params: ClassVar[type[Struct]] = NoParams
    strategy_id = WHO

    def __init__(self, listed: Sequence[Instrument]) -> None:
        self.listed = listed
        self.word = 0

    def subscriptions(self) -> Sequence[Subscription]:
        return [Subscription(kind=Bar, instrument_id=i.id) for i in self.listed]

    def on_event(self, event: ev.MarketEvent, view: MarketView) -> Sequence[Signal]:
        word, self.word = self.word, 0
        price = event.close  # type: ignore[union-attr]
        mine = [t for t in view.open_trades(WHO) if t.phase is not TradePhase.CLOSING]
        if word in (1, 2):
            target = price * 1.01 if word == 2 else None
            return [entry(event.instrument_id, price, target)]
        if word == 3 and mine:
            return [ExitSignal(strategy_id=WHO, trade_id=mine[0].trade_id, reason="out")]
        if word == 4 and mine:
            tight = float(mine[0].stop_price) * 1.002
            return [
                StopSignal(
                    strategy_id=WHO, trade_id=mine[0].trade_id, stop_price=tight, reason="up"
                )
            ]
        return ()


def entry(instrument_id: Any, price: float, target: float | None) -> EnterSignal:
    return EnterSignal(
        strategy_id=WHO,
        instrument_id=instrument_id,
        side=Side.BUY,
        stop_price=price * 0.985,
        confidence=0.6,
        reason="in",
        target_price=target,
    )


def journal_of(steps: Sequence[Step], beat: int) -> bytes:
    """What an engine writes over these bars of a spot market and a perpetual."""
    listed = (SPOT, PERPETUAL)
    puppet, journal = Puppet(listed), MemoryJournal()
    engine = Engine(EngineSettings(currency=USDT, limits=LIMITS), [puppet])
    venue = SimVenue(listed, OPENING, SimSettings())
    driver = Driver(engine, venue, journal, beat_ns=beat * MINUTE, durable=False)
    start(driver, listed)
    closes = [100.0, 100.0]
    for number, step in enumerate(steps):
        place = step[6] % 2
        path = [round(closes[place] * (1 + part / 4_000), 2) for part in step[:4]]
        closes[place] = path[-1]
        puppet.word = step[5]
        closed = START + (number + 1) * MINUTE
        driver.markets((minute_bar(listed[place].id, path, float(step[4]), closed),))
    return journal.encoded()


def start(driver: Driver, listed: Sequence[Instrument]) -> None:
    """A run with these instruments, from OPENING."""
    driver.start(
        ev.RunStarted(
            run_id=RunId("run"),
            account="a",
            instruments=tuple(listed),
            opening_balances=OPENING,
            checkpoint=None,
            settings="",
            venue_time_ns=START,
            received_time_ns=START,
        )
    )


def minute_bar(of: InstrumentId, path: Sequence[float], volume: float, closed_ns: int) -> Bar:
    """The minute in which the price went this way."""
    return Bar(
        instrument_id=of,
        timeframe_ns=MINUTE,
        open_time_ns=closed_ns - MINUTE,
        open=path[0],
        high=max(path),
        low=min(path),
        close=path[-1],
        volume=volume,
        venue_time_ns=closed_ns,
        received_time_ns=closed_ns,
    )


def take_bar_slowly(self: Board, slot: Slot, bar: Bar) -> str | None:
    """One question after another."""
    reason = board_module._why_no_bar(slot, bar)
    if reason is not None:
        return reason
    slot.bar_times[bar.timeframe_ns] = bar.open_time_ns
    slot.bar_volume = bar.volume
    if not slot.quoted:
        slot.tolerance_ns = bar.timeframe_ns
        slot.quote = None
        self._price(slot, bar.close, min(bar.venue_time_ns, bar.received_time_ns))
    return None


def equity_by_ledger(self: Portfolio) -> Decimal | None:
    return self.ledger.equity(self.rate, self._mark)


def never_calm(breaker: Any, limits: Any) -> Lines:
    return lines_of(breaker, limits)._replace(calm_above=Decimal("Infinity"))


@contextmanager
def slowly() -> Iterator[None]:
    """Every short way closed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Resting, "holds", lambda self, trade_id: False)
        patch.setattr(Portfolio, "equity", equity_by_ledger)
        patch.setattr(Board, "take_bar", take_bar_slowly)
        patch.setattr(upkeep, "lines_of", never_calm)
        patch.setattr(bars, "passed_by", lambda market, bar: False)
        yield
