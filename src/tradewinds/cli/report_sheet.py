"""A record of trading as the sheet that `report` and `backtest` show and export."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Final

from msgspec import Struct, structs

from tradewinds.cli.words import day, signed
from tradewinds.ledger.performance import Performance
from tradewinds.ledger.results import NOTHING, Totals, add, day_of
from tradewinds.ledger.round_trips import closed
from tradewinds.model.decimals import ZERO
from tradewinds.model.ids import Asset
from tradewinds.model.ledger import DayResult
from tradewinds.model.portfolio import Trade

ENOUGH_TRADES: Final = 100
"""Below it a win rate is uncertain by more than ten points (two standard errors)."""
ENOUGH_DAYS: Final = 90
"""Below it an annualised ratio is mostly luck."""

PLAYGROUNDS: Final = frozenset({"PRACTICE", "TESTNET", "DEMO"})
REAL: Final = "REAL"
"""How the labels of accounts at a venue begin; `LIVE` is paper money on live prices."""


class Feed(Struct, frozen=True, kw_only=True):
    """What was traded on: its label, as on every page, and whether its prices are made up.

    `moved` is what came from outside meanwhile, less what was taken out.
    """

    label: str
    synthetic: bool
    currency: Asset
    moved: Decimal = ZERO


class ResultRow(Struct, frozen=True, kw_only=True):
    """Closed trades and realised result of one strategy, instrument or day."""

    name: str
    trades: int
    wins: int
    totals: Totals


class Sheet(Struct, frozen=True, kw_only=True):
    """`trades` are the closed ones, oldest first. `caveats` belong to every figure here."""

    feed: Feed
    performance: Performance
    by_strategy: tuple[ResultRow, ...]
    by_instrument: tuple[ResultRow, ...]
    by_day: tuple[ResultRow, ...]
    trades: tuple[Trade, ...]
    caveats: tuple[str, ...]


def sheet_of(
    performance: Performance,
    feed: Feed,
    trades: Iterable[Trade],
    days: Sequence[DayResult],
    open_trades: int,
) -> Sheet:
    """Everything that can be said of a record."""
    over = tuple(closed(trades))
    return Sheet(
        feed=feed,
        performance=performance,
        by_strategy=grouped(days, over, lambda item: item.strategy_id),
        by_instrument=grouped(days, over, lambda item: item.instrument_id),
        by_day=grouped(days, over, name_of_day),
        trades=over,
        caveats=caveats_of(feed, performance, open_trades),
    )


def grouped(
    days: Iterable[DayResult],
    trades: Sequence[Trade],
    key: Callable[[DayResult | Trade], str],
) -> tuple[ResultRow, ...]:
    """Results summed by `key`, in the order of their names."""
    rows: dict[str, ResultRow] = {}
    for result in days:
        row = row_of(rows, key(result))
        rows[row.name] = structs.replace(row, totals=add(row.totals, result))
    for trade in trades:
        row = row_of(rows, key(trade))
        wins = row.wins + (trade.realised > ZERO)
        rows[row.name] = structs.replace(row, trades=row.trades + 1, wins=wins)
    return tuple(rows[name] for name in sorted(rows))


def row_of(rows: dict[str, ResultRow], name: str) -> ResultRow:
    """The row so far, empty at first."""
    return rows.get(name) or ResultRow(name=name, trades=0, wins=0, totals=NOTHING)


def name_of_day(item: DayResult | Trade) -> str:
    """The UTC day a result or a closed trade belongs to."""
    number = item.day if isinstance(item, DayResult) else day_of(item.closed_time_ns)
    return "earlier" if number < 0 else day(number)


def caveats_of_feed(feed: Feed) -> Iterator[str]:
    """What kind of market it was, and whose fills."""
    if feed.synthetic:
        yield "SYNTHETIC market: the prices are made up; no figure here means anything."
    elif feed.label.startswith("REPLAY"):
        yield "REPLAY: recorded data, picked by people who knew what came after."
    kind = feed.label.partition(" ")[0]
    if kind in PLAYGROUNDS:
        yield f"{kind}: orders at a venue, but nobody's money; real fills can be worse."
    elif kind != REAL:
        yield "PAPER: fills are simulated; real ones can be worse."
    if feed.moved:
        yield (
            f"{signed(feed.moved)} {feed.currency} came or went from outside: no result, and left "
            "out of every figure here."
        )


def caveats_of(feed: Feed, performance: Performance, open_trades: int) -> tuple[str, ...]:
    """What must be known before a figure is believed."""
    told = list(caveats_of_feed(feed))
    if open_trades:
        told.append(
            f"{open_trades} trades are still open: the balance counts them at the last price,"
            " the trade figures do not."
        )
    trades, days = performance.trades.trades, performance.days.days
    if trades < ENOUGH_TRADES:
        told.append(
            f"{trades} closed trades are too few to tell skill from luck"
            f" (a first idea takes {ENOUGH_TRADES})."
        )
    if days < ENOUGH_DAYS:
        told.append(f"{days} days are too short for Sharpe, Sortino, Calmar and CAGR.")
    if performance.market_change is None:
        told.append("Buy-and-hold is not shown: the prices of this span are not at hand.")
    return tuple(told)
