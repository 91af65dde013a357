"""What `report` reads from the store."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from tradewinds.cli.engine_link import last_known
from tradewinds.cli.exits import CliError, Exit
from tradewinds.cli.report_sheet import Feed
from tradewinds.cli.store_access import kind_of
from tradewinds.cli.words import SECOND_NS
from tradewinds.ledger.curve import Point
from tradewinds.ledger.performance import Record
from tradewinds.market.synthetic_spec import VENUE
from tradewinds.model.events import Event, RunStarted
from tradewinds.model.ids import Asset, InstrumentId, RunId, split_instrument_id
from tradewinds.model.ledger import DayResult
from tradewinds.model.market import Bar, Quote
from tradewinds.model.portfolio import Trade, TradePhase
from tradewinds.store import queries
from tradewinds.store.audit import read_events

if TYPE_CHECKING:
    from tradewinds.config import Settings
    from tradewinds.store.database import Database

LATEST_TRADES: Final = 500
"""No account has so many trades open at once."""
DAY_NS: Final = 86_400 * SECOND_NS
CURVE_POINTS: Final = 5_000
FIRST_EVENTS: Final = 5_000
"""So far into its first run every traded instrument has had a price."""


class Life(Struct, frozen=True, kw_only=True):
    """Runs that went on from each other, newest first: one curve, one ledger."""

    account: str
    runs: tuple[queries.RunRow, ...]
    newest: bool

    @property
    def only_run(self) -> RunId | None:
        """The run to ask for alone; None where several belong together."""
        return self.runs[0].run_id if len(self.runs) == 1 else None

    @property
    def start_ns(self) -> int:
        """When it began, in the time of its events."""
        return self.runs[-1].started_ns


class Wanted(Struct, frozen=True, kw_only=True):
    """From `start_ns` to before `end_ns`, of one strategy or of all ('')."""

    start_ns: int
    end_ns: int
    strategy: str

    @property
    def whole(self) -> bool:
        """Whether nothing is left out."""
        return self.start_ns == 0 and not self.strategy

    def holds_trade(self, trade: Trade) -> bool:
        """Closed within it."""
        in_time = self.start_ns <= trade.closed_time_ns < self.end_ns
        return in_time and self.strategy in ("", trade.strategy_id)

    def holds_day(self, result: DayResult) -> bool:
        """Days count whole."""
        in_time = self.start_ns // DAY_NS <= result.day and result.day * DAY_NS < self.end_ns
        return in_time and self.strategy in ("", result.strategy_id)


def life_of(database: "Database", account: str, run: str | None) -> Life:
    """The chosen run with those it went on from. A replay or a fresh start goes on from none.

    Raises CliError for a run that is not there.
    """
    runs = queries.runs(database, account)
    known = [row.run_id for row in runs]
    if run is not None and run not in known:
        raise CliError(
            f"account {account} has no run {run}", Exit.USAGE, f"there are {', '.join(known)}"
        )
    first = 0 if run is None else known.index(RunId(run))
    chosen = []
    for row in runs[first:]:
        chosen.append(row)
        if begins_anew(next(read_events(database, account, row.run_id), None)):
            break
    return Life(account=account, runs=tuple(chosen), newest=first == 0)


def begins_anew(first: Event | None) -> bool:
    """Whether a run's first event takes nothing up from an earlier run."""
    return not isinstance(first, RunStarted) or first.checkpoint is None


def record_of(database: "Database", life: Life, wanted: Wanted) -> Record:
    """Equity, trades, days and market of a life, as far as wanted."""
    since_ns = max(wanted.start_ns, life.start_ns)
    run = life.only_run
    found = queries.closed_trades(database, life.account, since_ns, run)
    trades = [trade for trade in found if wanted.holds_trade(trade)]
    days = queries.day_results(database, life.account, since_ns // DAY_NS, run)
    curve = queries.equity_curve(database, life.account, since_ns, CURVE_POINTS, run)
    raw = [(point.time_ns, point.equity) for point in curve if point.time_ns < wanted.end_ns]
    points = without_flows(raw, queries.flows(database, life.account, since_ns))
    return Record(
        equity=alone(points, trades) if wanted.strategy else points,
        trades=trades,
        days=[result for result in days if wanted.holds_day(result)],
        market=market_of(database, life, trades) if wanted.whole and life.newest else {},
    )


def without_flows(points: Sequence[Point], flows: Sequence[tuple[int, Decimal]]) -> list[Point]:
    """The curve as if nobody had put money in or taken any out: neither is a result."""
    told, moved, left = [], Decimal(0), list(flows)
    for time_ns, equity in points:
        while left and left[0][0] <= time_ns:
            moved += left.pop(0)[1]
        told.append((time_ns, equity - moved))
    return told


def open_trades(database: "Database", life: Life) -> int:
    """Round trips of this life that are not closed. A trade's id begins with its run's."""
    mine = tuple(f"{run.run_id}-" for run in life.runs)
    latest = queries.trades(database, life.account, LATEST_TRADES)
    return sum(
        trade.phase is not TradePhase.CLOSED and trade.trade_id.startswith(mine) for trade in latest
    )


def alone(points: Sequence[Point], trades: Iterable[Trade]) -> Sequence[Point]:
    """What these trades by themselves would have made of the curve's start."""
    if not points:
        return points
    (start_ns, equity), (end_ns, _) = points[0], points[-1]
    curve = [(start_ns, equity)]
    for trade in trades:
        equity += trade.realised
        curve.append((trade.closed_time_ns, equity))
    return [*curve, (max(end_ns, curve[-1][0]), equity)]


def market_of(
    database: "Database", life: Life, trades: Iterable[Trade]
) -> dict[InstrumentId, tuple[float, float]]:
    """First and last price of every instrument that was traded, where both are known."""
    saved = queries.checkpoint(database, life.account)
    wanted = {trade.instrument_id for trade in trades}
    if saved is None or not wanted:
        return {}
    events = read_events(database, life.account, life.runs[-1].run_id)
    first = first_prices(islice(events, FIRST_EVENTS), wanted)
    return {
        instrument: (price, saved.last_prices[instrument])
        for instrument, price in sorted(first.items())
        if instrument in saved.last_prices
    }


def first_prices(events: Iterable[Event], wanted: set[InstrumentId]) -> dict[InstrumentId, float]:
    """The first price of each wanted instrument among the events."""
    found: dict[InstrumentId, float] = {}
    for event in events:
        if isinstance(event, Quote | Bar) and event.instrument_id in wanted:
            price = event.open if isinstance(event, Bar) else (event.bid + event.ask) / 2
            found.setdefault(event.instrument_id, price)
            if len(found) == len(wanted):
                break
    return found


def feed_of(database: "Database", life: Life, home: Path, settings: "Settings") -> Feed:
    """What was traded on: as the engine called it, else by the account and its instruments."""
    currency = Asset(settings.account.currency)
    flows = queries.flows(database, life.account, life.start_ns)
    moved = sum((amount for _, amount in flows), Decimal(0))
    known = last_known(home)
    if known is not None and known.run_id == life.runs[0].run_id:
        label, made_up = known.feed_label, known.synthetic
        return Feed(label=label, synthetic=made_up, currency=currency, moved=moved)
    trades = queries.closed_trades(database, life.account, life.start_ns, life.only_run)
    venues = sorted({split_instrument_id(trade.instrument_id)[1] for trade in trades})
    kind = kind_of(life.account, settings.account.name) or "paper"
    return Feed(
        label=" ".join([kind.upper(), ", ".join(venues)]).strip(),
        synthetic=VENUE in venues or kind == "synthetic",
        currency=currency,
        moved=moved,
    )
