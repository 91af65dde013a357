"""The engine over the past, as fast as it goes; the same `step` as in paper trading."""

import time
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from msgspec import Struct

from tradewinds.config import Settings
from tradewinds.engine.board import Board
from tradewinds.engine.driver import Driver
from tradewinds.engine.endings import Endings
from tradewinds.engine.engine import Engine
from tradewinds.ledger.curve import Point
from tradewinds.ledger.long_curve import LongCurve
from tradewinds.ledger.performance import Performance, Record, measured
from tradewinds.market.derive import Deriver
from tradewinds.model.commands import (
    Command,
    RecordEquity,
    RecordRefusal,
    RecordTrade,
    RecordTransaction,
)
from tradewinds.model.errors import DataError
from tradewinds.model.events import EmergencyStop, Event, HistoryLoaded, MarketEvent, RunStarted
from tradewinds.model.ids import Asset, InstrumentId, run_id
from tradewinds.model.instrument import Instrument
from tradewinds.model.ledger import DayResult
from tradewinds.model.market import Bar, Quote
from tradewinds.model.portfolio import Trade, TradePhase, TradingState
from tradewinds.model.timeframes import DAY_NS, SECOND_NS
from tradewinds.parts import (
    Recipe,
    engine_settings_of,
    opening_of,
    params_of,
    recipe_text,
    sim_settings_of,
    strategies_of,
    timeframes_of,
)
from tradewinds.research.price_path import PricePath, PriceWatch
from tradewinds.research.standing import Standing, resumed, standing_of
from tradewinds.sim.settings import SimSettings
from tradewinds.sim.venue import SimVenue
from tradewinds.sources import PAST_BEAT_NS, Past
from tradewinds.store.memory import NullJournal

ACCOUNT_NAME = "backtest"
CLOSING_S = 30
DAYS_MAX = 100_000
"""Days whose results are told one by one: all there are."""
BUYING_NS = DAY_NS
"""Buy-and-hold is of what had a price within a day of the start."""


class BacktestResult(Struct, frozen=True, kw_only=True):
    """Money in account currency. `refusals` counts our own noes by check.

    `prices` is what the instruments cost on the way, thinned out; `sim` how harsh the venue was.
    `standing` is what the account goes on with, known where everything was closed.
    """

    label: str
    synthetic: bool
    currency: Asset
    instruments: tuple[Instrument, ...]
    strategies: dict[str, dict[str, Any]]
    start_ns: int
    end_ns: int
    events: int
    wall_s: float
    performance: Performance
    trades: tuple[Trade, ...]
    equity: tuple[tuple[int, Decimal], ...]
    days: tuple[DayResult, ...]
    refusals: dict[str, int]
    anomalies: int
    final_state: TradingState
    state_reason: str
    open_trades: int
    prices: PricePath
    sim: SimSettings
    standing: Standing | None = None


class _Listener:
    """Keeps what a report needs from the commands."""

    def __init__(self, prices: PriceWatch) -> None:
        self.prices = prices
        self.trades: list[Trade] = []
        self._newest: list[Point] = []
        self._over = False
        self.curve = LongCurve()
        self.refusals: Counter[str] = Counter()

    def __call__(self, commands: Sequence[Command]) -> None:
        for command in commands:
            if isinstance(command, RecordEquity):
                self._note((command.time_ns, command.equity))
                self.prices.look(command.time_ns)
            elif isinstance(command, RecordTransaction) and command.transaction.kind == "external":
                # Inventory counts from its first price on: the curve begins with all of it.
                self._newest.clear()
                self.curve = LongCurve()
            elif isinstance(command, RecordRefusal):
                self.refusals[command.refusal.check] += 1
            elif isinstance(command, RecordTrade):
                trade = command.trade
                if trade.phase is TradePhase.CLOSED and trade.entry_quantity:
                    self.trades.append(trade)

    def data_ended(self) -> None:
        """What closing does to equity is one point, told by `end`."""
        self._over = True

    def end(self, end_ns: int, equity: Decimal | None) -> None:
        """The curve ends with the data, closing costs included."""
        if equity is not None:
            self._newest = [point for point in self._newest if point[0] < end_ns]
            self._newest.append((end_ns, equity))
        for point in self._newest:
            self.curve.add(point)

    def _note(self, point: Point) -> None:
        """Points of the last moment wait, for `end` may take their place."""
        if self._over:
            return
        if self._newest and point[0] > self._newest[0][0]:
            for older in self._newest:
                self.curve.add(older)
            self._newest.clear()
        self._newest.append(point)


def backtest(
    settings: Settings,
    past: Past,
    only: Sequence[str] = (),
    *,
    closing: bool = False,
    standing: Standing | None = None,
) -> BacktestResult:
    """Trade the past from the starting balance, or go on with an account as it stands. Raises
    DataError when there is no past.

    With `closing` everything is sold at the end, with its costs: what is open at the end of a
    test window must not be valued as if leaving were free.
    """
    params = params_of(settings, past.default_params)
    strategies = strategies_of(params, past.instruments, only)
    base = engine_settings_of(settings)
    engine = Engine(base, strategies)
    currency = base.currency
    balances = opening_of(settings) if standing is None else {currency: standing.balance}
    sim = sim_settings_of(settings)
    venue = SimVenue(past.instruments, balances, sim)
    driver = Driver(engine, venue, NullJournal(), beat_ns=PAST_BEAT_NS, durable=False)
    listener = _Listener(PriceWatch([i.id for i in past.instruments], engine.floor.board.mid))
    driver.listener = listener
    driver.derive = Deriver(timeframes_of(strategies)).add
    recipe = Recipe(engine=base, params=params)
    began = time.perf_counter()
    span, firsts = _drive(driver, past, recipe_text(recipe), balances, standing)
    wall_s = time.perf_counter() - began
    floor = engine.floor
    ended = (floor.breaker.state, floor.breaker.reason)
    last = engine.checkpoint()
    equity = _end(driver, listener, span[1], closing=closing)
    days = floor.portfolio.ledger.state().days
    return BacktestResult(
        label=past.label,
        synthetic=past.synthetic,
        currency=currency,
        instruments=tuple(past.instruments),
        strategies={name: params[name] for name in params if not only or name in only},
        start_ns=span[0],
        end_ns=span[1],
        events=driver.events,
        wall_s=wall_s,
        performance=_measured(listener, days, _market(floor.board, firsts)),
        trades=tuple(listener.trades),
        equity=listener.curve.points(),
        days=days,
        refusals=dict(listener.refusals),
        anomalies=floor.out.anomalies,
        final_state=ended[0],
        state_reason=ended[1],
        open_trades=len(floor.portfolio.trades),
        prices=listener.prices.path(),
        sim=sim,
        standing=standing_of(equity, last) if closing and equity is not None else None,
    )


def _end(driver: Driver, listener: _Listener, end_ns: int, *, closing: bool) -> Decimal | None:
    """The equity that is left, after selling everything where that is asked for."""
    listener.data_ended()
    if closing:
        _close(driver, end_ns)
    equity = driver.engine.floor.portfolio.equity()
    listener.end(end_ns, equity)
    return equity


def _market(
    board: Board, firsts: dict[InstrumentId, float]
) -> dict[InstrumentId, tuple[float, float]]:
    lasts = {id_: slot.mid for id_, slot in board.slots.items() if slot.mid}
    return {id_: (first, lasts[id_]) for id_, first in firsts.items() if id_ in lasts}


def _measured(
    listener: _Listener,
    days: tuple[DayResult, ...],
    market: dict[InstrumentId, tuple[float, float]],
) -> Performance:
    points = listener.curve.points()
    record = Record(equity=points, trades=listener.trades, days=days, market=market)
    return measured(record, points, listener.curve.drawdown())


def _drive(
    driver: Driver,
    past: Past,
    recipe: str,
    balances: dict[Asset, Decimal],
    standing: Standing | None,
) -> tuple[tuple[int, int], dict[InstrumentId, float]]:
    """Run it all; the span in ns and each instrument's first price."""
    firsts: dict[InstrumentId, float] = {}
    start_ns = last_ns = 0
    endings = Endings(driver, past.instruments, past.endings)
    for block in filter(None, past.blocks):
        if not start_ns:
            start_ns = block[0].received_time_ns
            driver.start(*opening(past, recipe, balances, start_ns, standing))
            driver.engine.floor.portfolio.ledger.keep_days(DAYS_MAX)
        if block[0].received_time_ns < start_ns + BUYING_NS:
            _note_firsts(block, firsts, start_ns + BUYING_NS)
        _show(driver, block, endings)
        last_ns = block[-1].received_time_ns
    if not start_ns:
        raise DataError(f"{past.label}: no usable market data in the chosen span")
    driver.pass_time(last_ns)
    return (start_ns, last_ns), firsts


def _show(driver: Driver, block: Sequence[MarketEvent], endings: Endings) -> None:
    if block[-1].received_time_ns < endings.next_ns:
        driver.markets(block)
        return
    for event in block:
        endings.market(event)


def _close(driver: Driver, end_ns: int) -> None:
    """The operator's emergency stop at the last prices, and as long as the venue takes for it."""
    stop = EmergencyStop(
        command_id="end", reason="the end of the data", venue_time_ns=end_ns,
        received_time_ns=end_ns,
    )  # fmt: skip
    driver.inject(stop)
    for second in range(1, CLOSING_S + 1):
        if not driver.engine.floor.portfolio.trades:
            return
        driver.pass_time(end_ns + second * SECOND_NS)


def _note_firsts(
    block: Sequence[MarketEvent], firsts: dict[InstrumentId, float], until_ns: int
) -> None:
    """What a buyer would have paid at the start: a bar's open, a quote's mid. What was listed
    later could not be bought then, least of all at the price its listing opened with.
    """
    for event in block:
        if event.instrument_id in firsts or event.received_time_ns >= until_ns:
            continue
        if isinstance(event, Bar):
            firsts[event.instrument_id] = event.open
        elif isinstance(event, Quote):
            firsts[event.instrument_id] = (event.bid + event.ask) / 2


def opening(
    past: Past,
    recipe: str,
    balances: dict[Asset, Decimal],
    now_ns: int,
    standing: Standing | None = None,
) -> tuple[Event, ...]:
    """The first events of a run over the past."""
    saved = None
    if standing is not None:
        (currency,) = balances
        saved = resumed(standing, currency, now_ns)
    bars = tuple(bar for bars in past.history.values() for bar in bars)
    return (
        RunStarted(
            run_id=run_id(ACCOUNT_NAME, now_ns),
            account=ACCOUNT_NAME,
            instruments=tuple(past.instruments),
            opening_balances=balances,
            checkpoint=saved,
            settings=recipe,
            venue_time_ns=now_ns,
            received_time_ns=now_ns,
        ),
        HistoryLoaded(bars=bars, venue_time_ns=now_ns, received_time_ns=now_ns),
    )
