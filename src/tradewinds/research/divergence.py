"""Backtest against what was traded in the same hours: where the two parted, and what it cost."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Final

from msgspec import Struct

from tradewinds.engine.driver import Driver
from tradewinds.engine.engine import Engine
from tradewinds.market.derive import Deriver
from tradewinds.model.commands import Command
from tradewinds.model.decimals import ONE, ZERO
from tradewinds.model.errors import DataError
from tradewinds.model.events import Event, HistoryLoaded, MarketEvent, RunStarted
from tradewinds.model.ids import InstrumentId, StrategyId
from tradewinds.model.market import (
    Bar,
    BookDelta,
    FundingRate,
    MarkPrice,
    Quote,
    Side,
    TradePrint,
)
from tradewinds.model.order import Purpose
from tradewinds.model.portfolio import Trade
from tradewinds.parts import recipe_from, strategies_of, timeframes_of
from tradewinds.research.account_of import Account, Bookkeeper, Execution, Wanted
from tradewinds.sim.settings import SimSettings
from tradewinds.sim.venue import SimVenue
from tradewinds.sources import PAST_BEAT_NS

MARKET: Final = (Quote, TradePrint, BookDelta, Bar, MarkPrice, FundingRate)
Entry = tuple[str, Event | Command]


class BridgeRow(Struct, frozen=True, kw_only=True):
    """A step from the backtest's result to the traded one, in account currency."""

    name: str
    amount: Decimal


class SlippageRow(Struct, frozen=True, kw_only=True):
    """Mean slippage by notional, in bps against us; None without a fill."""

    strategy_id: StrategyId
    purpose: Purpose
    backtest_fills: int
    traded_fills: int
    backtest_bps: float | None
    traded_bps: float | None


class MissedSignal(Struct, frozen=True, kw_only=True):
    """A wish that only one side had. `only_in` is `backtest` or `traded`; `why` a refusal near."""

    only_in: str
    time_ns: int
    strategy_id: StrategyId
    instrument_id: InstrumentId
    side: Side
    why: str


class TradePair(Struct, frozen=True, kw_only=True):
    """One round trip on both sides, or on one of them."""

    backtest: Trade | None
    traded: Trade | None


class Divergence(Struct, frozen=True, kw_only=True):
    """`bridge` begins with the backtest's net result and ends with the traded one; what lies
    between adds up to the difference exactly.
    """

    run_id: str
    label: str
    start_ns: int
    end_ns: int
    backtest_signals: int
    traded_signals: int
    missed: tuple[MissedSignal, ...]
    slippage: tuple[SlippageRow, ...]
    pairs: tuple[TradePair, ...]
    bridge: tuple[BridgeRow, ...]

    @property
    def same(self) -> bool:
        """Whether the two did the same, to the last digit."""
        return not self.missed and all(row.amount == ZERO for row in self.bridge[1:-1])


class Traded(Struct, frozen=True, kw_only=True):
    """A journalled run taken apart: how it began, what the market told it, what it did."""

    started: RunStarted
    history: HistoryLoaded | None
    market: tuple[MarketEvent, ...]
    account: Account


def traded(entries: Iterable[Entry], label: str) -> Traded:
    """Entries as (kind "e" or "c", message) in order. Raises DataError where no run begins."""
    books = Bookkeeper()
    started: RunStarted | None = None
    history: HistoryLoaded | None = None
    market: list[MarketEvent] = []
    for kind, message in entries:
        if kind != "e":
            books.append_commands((message,))  # type: ignore[arg-type]
            continue
        books.append_event(message)  # type: ignore[arg-type]
        if isinstance(message, RunStarted):
            started = message
        elif isinstance(message, HistoryLoaded):
            history = message
        elif isinstance(message, MARKET):
            market.append(message)
    if started is None:
        raise DataError("the journal holds no start of this run; nothing to compare with")
    return Traded(
        started=started, history=history, market=tuple(market), account=books.account(label)
    )


def backtested(
    run: Traded, sim: SimSettings, market: Iterable[MarketEvent] | None = None
) -> Account:
    """The same settings over the same hours, on what the run was shown or on other data of them.

    It begins as the run did. Bars that the run derived itself are derived again.
    """
    recipe = recipe_from(run.started.settings)
    strategies = strategies_of(recipe.params, run.started.instruments, markets=recipe.markets)
    venue = SimVenue(run.started.instruments, run.started.opening_balances, sim)
    if run.started.checkpoint is not None:
        venue.restore(run.started.checkpoint)
    books = Bookkeeper()
    driver = Driver(
        Engine(recipe.engine, strategies), venue, books, beat_ns=PAST_BEAT_NS, durable=False
    )
    driver.derive = Deriver(timeframes_of(strategies)).add
    driver.start(run.started, *([run.history] if run.history is not None else []))
    shown = run.market if market is None else market
    last_ns = run.account.end_ns
    for event in undivided(shown):
        if event.received_time_ns <= last_ns:
            driver.market(event)
    driver.pass_time(last_ns)
    return books.account("backtest")


def undivided(events: Iterable[MarketEvent]) -> Iterable[MarketEvent]:
    """Without the larger bars that a run's own driver made of the smaller ones."""
    found = tuple(events)
    sizes: dict[InstrumentId, int] = {}
    for event in found:
        if isinstance(event, Bar):
            known = sizes.get(event.instrument_id, event.timeframe_ns)
            sizes[event.instrument_id] = min(known, event.timeframe_ns)
    return (
        event
        for event in found
        if not isinstance(event, Bar) or event.timeframe_ns == sizes[event.instrument_id]
    )


def divergence(run: Traded, shadow: Account, near_ns: int) -> Divergence:
    """Compare. Signals and trades of the same strategy, instrument and side belong together when
    they are at most `near_ns` apart, nearest first.
    """
    live = run.account
    pairs = _pairs(shadow.trades, live.trades, near_ns)
    return Divergence(
        run_id=run.started.run_id,
        label=live.label,
        start_ns=live.start_ns,
        end_ns=live.end_ns,
        backtest_signals=len(shadow.wanted),
        traded_signals=len(live.wanted),
        missed=tuple(_missed(shadow, live, near_ns)),
        slippage=tuple(_slippage(shadow.executions, live.executions)),
        pairs=tuple(pairs),
        bridge=tuple(_bridge(shadow, live, pairs)),
    )


def _bridge(shadow: Account, live: Account, pairs: Sequence[TradePair]) -> list[BridgeRow]:
    both = [(p.backtest, p.traded) for p in pairs if p.backtest and p.traded]
    steps = {
        "trades only in the backtest": -sum(
            (p.backtest.realised for p in pairs if p.backtest and not p.traded), ZERO
        ),
        "trades only traded": sum(
            (p.traded.realised for p in pairs if p.traded and not p.backtest), ZERO
        ),
        "entry prices": sum((_entry_effect(a, b) for a, b in both), ZERO),
        "exit prices": sum((_exit_effect(a, b) for a, b in both), ZERO),
        "quantities": sum((_size_effect(a, b) for a, b in both), ZERO),
        "fees": sum((a.fees - b.fees for a, b in both), ZERO),
    }
    trades = live.realised - shadow.realised
    steps["funding, dust and conversion"] = trades - sum(steps.values(), ZERO)
    steps["baskets and account entries"] = live.totals.net - shadow.totals.net - trades
    return [
        BridgeRow(name="backtest, net", amount=shadow.totals.net),
        *(BridgeRow(name=name, amount=amount) for name, amount in steps.items()),
        BridgeRow(name="traded, net", amount=live.totals.net),
    ]


def _sign(trade: Trade) -> Decimal:
    return ONE if trade.side is Side.BUY else -ONE


def _entry_effect(a: Trade, b: Trade) -> Decimal:
    return -_sign(a) * (b.entry_price - a.entry_price) * b.entry_quantity


def _exit_effect(a: Trade, b: Trade) -> Decimal:
    if not a.exit_quantity or not b.exit_quantity:
        return ZERO
    return _sign(a) * (b.exit_price - a.exit_price) * b.exit_quantity


def _size_effect(a: Trade, b: Trade) -> Decimal:
    if not a.exit_quantity:
        return ZERO
    return _sign(a) * (a.exit_price - a.entry_price) * (b.exit_quantity - a.exit_quantity)


def _pairs(mine: Sequence[Trade], other: Sequence[Trade], near_ns: int) -> list[TradePair]:
    waiting = sorted(other, key=lambda trade: trade.opened_time_ns)
    found = []
    for trade in sorted(mine, key=lambda trade: trade.opened_time_ns):
        match = _nearest(trade.opened_time_ns, [t for t in waiting if _alike(trade, t)], near_ns)
        if match is not None:
            waiting.remove(match)
        found.append(TradePair(backtest=trade, traded=match))
    return [*found, *(TradePair(backtest=None, traded=trade) for trade in waiting)]


def _alike(one: Trade | Wanted, two: Trade | Wanted) -> bool:
    return (one.strategy_id, one.instrument_id, one.side) == (
        two.strategy_id,
        two.instrument_id,
        two.side,
    )


def _nearest(time_ns: int, among: Sequence[Trade], near_ns: int) -> Trade | None:
    close = [each for each in among if abs(each.opened_time_ns - time_ns) <= near_ns]
    return min(close, key=lambda each: abs(each.opened_time_ns - time_ns), default=None)


def _missed(shadow: Account, live: Account, near_ns: int) -> Iterable[MissedSignal]:
    for name, mine, other in (("backtest", shadow, live), ("traded", live, shadow)):
        waiting = list(other.wanted)
        for wish in mine.wanted:
            close = [
                each
                for each in waiting
                if _alike(wish, each) and abs(each.time_ns - wish.time_ns) <= near_ns
            ]
            if close:
                waiting.remove(min(close, key=lambda each: abs(each.time_ns - wish.time_ns)))
                continue
            yield MissedSignal(
                only_in=name,
                time_ns=wish.time_ns,
                strategy_id=wish.strategy_id,
                instrument_id=wish.instrument_id,
                side=wish.side,
                why=_why(other, wish, near_ns),
            )


def _why(other: Account, wish: Wanted, near_ns: int) -> str:
    near = [
        refusal
        for refusal in other.refusals
        if refusal.strategy_id == wish.strategy_id
        and refusal.instrument_id == wish.instrument_id
        and abs(refusal.time_ns - wish.time_ns) <= near_ns
    ]
    return f"{near[0].check}: {near[0].reason}" if near else ""


def _slippage(
    mine: Sequence[tuple[Side, Execution]], other: Sequence[tuple[Side, Execution]]
) -> Iterable[SlippageRow]:
    keys = dict.fromkeys((e.strategy_id, e.purpose) for _, e in (*mine, *other))
    for strategy_id, purpose in sorted(keys):
        sides = [
            [
                (side, e)
                for side, e in executions
                if (e.strategy_id, e.purpose) == (strategy_id, purpose)
            ]
            for executions in (mine, other)
        ]
        yield SlippageRow(
            strategy_id=strategy_id,
            purpose=purpose,
            backtest_fills=len(sides[0]),
            traded_fills=len(sides[1]),
            backtest_bps=_mean_bps(sides[0]),
            traded_bps=_mean_bps(sides[1]),
        )


def _mean_bps(executions: Sequence[tuple[Side, Execution]]) -> float | None:
    notional = sum(float(e.quantity * e.price) for _, e in executions)
    if not notional:
        return None
    weighted = sum(e.slippage_bps(side) * float(e.quantity * e.price) for side, e in executions)
    return weighted / notional
