"""What `report` reads from the store."""

from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from tradewinds.cli.engine_link import last_known
from tradewinds.cli.report_sheet import Feed
from tradewinds.cli.store_access import nothing_yet
from tradewinds.cli.words import SECOND_NS
from tradewinds.ledger.curve import Point
from tradewinds.ledger.performance import Record
from tradewinds.market.synthetic_spec import VENUE
from tradewinds.model.events import Event
from tradewinds.model.ids import Asset, InstrumentId, split_instrument_id
from tradewinds.model.ledger import DayResult
from tradewinds.model.market import Bar, Quote
from tradewinds.model.portfolio import Trade
from tradewinds.store import queries
from tradewinds.store.audit import read_events

if TYPE_CHECKING:
    from sqlalchemy import Engine

DAY_NS: Final = 86_400 * SECOND_NS
CURVE_POINTS: Final = 5_000
FIRST_EVENTS: Final = 5_000
"""So far into the first run every traded instrument has had a price."""


class Wanted(Struct, frozen=True, kw_only=True):
    """Whose record, from `start_ns` to before `end_ns`, of one strategy or of all ('')."""

    account: str
    start_ns: int
    end_ns: int
    strategy: str

    @property
    def whole(self) -> bool:
        """Whether nothing is left out."""
        return self.start_ns == 0 and not self.strategy

    def holds(self, item: Trade | DayResult) -> bool:
        """Whether a result belongs to it; days count whole."""
        at_ns = item.day * DAY_NS if isinstance(item, DayResult) else item.closed_time_ns
        floor_ns = self.start_ns // DAY_NS * DAY_NS if isinstance(item, DayResult) else 0
        in_time = max(floor_ns, 0) <= at_ns < self.end_ns or (self.whole and at_ns < 0)
        return in_time and self.strategy in ("", item.strategy_id)


def record_of(engine: "Engine", wanted: Wanted) -> Record:
    """Equity, trades, days and market. Raises CliError for an account that never traded."""
    account = wanted.account
    if not queries.runs(engine, account):
        raise nothing_yet(f"account {account} has no run")
    trades = [
        trade
        for trade in queries.closed_trades(engine, account, wanted.start_ns)
        if wanted.holds(trade)
    ]
    days = queries.day_results(engine, account, wanted.start_ns // DAY_NS)
    return Record(
        equity=equity_of(engine, wanted, trades),
        trades=trades,
        days=[result for result in days if wanted.holds(result)],
        market=market_of(engine, account, trades) if wanted.whole else {},
    )


def equity_of(engine: "Engine", wanted: Wanted, trades: list[Trade]) -> list[Point]:
    """The account's curve; for one strategy, what its trades alone would have made of it."""
    curve = queries.equity_curve(engine, wanted.account, wanted.start_ns, CURVE_POINTS)
    points = [(point.time_ns, point.equity) for point in curve if point.time_ns < wanted.end_ns]
    if not wanted.strategy or not points:
        return points
    start_ns, equity = points[0]
    alone = [(start_ns, equity)]
    for trade in trades:
        equity += trade.realised
        alone.append((trade.closed_time_ns, equity))
    return [*alone, (max(points[-1][0], alone[-1][0]), equity)]


def market_of(
    engine: "Engine", account: str, trades: list[Trade]
) -> dict[InstrumentId, tuple[float, float]]:
    """First and last price of every instrument that was traded, where both are known."""
    saved = queries.checkpoint(engine, account)
    first_run = queries.runs(engine, account)[-1].run_id
    wanted = {trade.instrument_id for trade in trades}
    if saved is None or not wanted:
        return {}
    first = first_prices(islice(read_events(engine, account, first_run), FIRST_EVENTS), wanted)
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


def feed_of(engine: "Engine", account: str, home: Path, currency: Asset) -> Feed:
    """What the last run traded on: as its engine called it, else by its instruments' venue."""
    newest = queries.runs(engine, account)[0]
    known = last_known(home)
    if known is not None and known.run_id == newest.run_id:
        return Feed(label=known.feed_label, synthetic=known.synthetic, currency=currency)
    venues = venues_of(queries.trades(engine, account, 100))
    return Feed(
        label=f"PAPER on {', '.join(venues) or 'an unknown feed'}",
        synthetic=VENUE in venues,
        currency=currency,
    )


def venues_of(trades: Iterable[Trade]) -> list[str]:
    """Each venue once."""
    return sorted({split_instrument_id(trade.instrument_id)[1] for trade in trades})
