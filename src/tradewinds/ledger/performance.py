"""Performance figures under the names that users of this field expect."""

import math
from collections.abc import Mapping, Sequence
from decimal import Decimal

from msgspec import Struct, field

from tradewinds.ledger.curve import Drawdown, Point, Returns, drawdown, ratio, returns
from tradewinds.ledger.results import FOLDED_DAY, NOTHING, Totals, add, day_of
from tradewinds.ledger.round_trips import TradeFigures, closed, exposed_ns, trade_figures
from tradewinds.model.decimals import ONE, ZERO
from tradewinds.model.ids import InstrumentId
from tradewinds.model.ledger import DayResult
from tradewinds.model.market import Side
from tradewinds.model.portfolio import Trade


class Record(Struct, frozen=True, kw_only=True):
    """What a run left behind, in any order; trades may include open ones.

    `quote_rates`: account currency per quote asset of an instrument, 1 where it is not named.
    `market`: first and last price of each instrument, for buy-and-hold.
    """

    equity: Sequence[Point]
    trades: Sequence[Trade] = ()
    days: Sequence[DayResult] = ()
    quote_rates: Mapping[InstrumentId, Decimal] = field(default_factory=dict)
    market: Mapping[InstrumentId, tuple[float, float]] = field(default_factory=dict)


class DayFigures(Struct, frozen=True, kw_only=True):
    """UTC days of the curve's span by net realised result; days without one are draws."""

    days: int
    wins: int
    draws: int
    losses: int
    best: Decimal | None
    worst: Decimal | None


class Performance(Struct, frozen=True, kw_only=True):
    """Money in account currency, shares and changes as fractions, times in nanoseconds.

    turnover        notional of all entries and exits; turnover_ratio: over starting balance
    exposure_share  part of the span in which at least one trade was open
    cost_share      all costs / gross result, None unless gross is positive
    market_change   mean price change of what could be bought at the start: buy-and-hold
    excess          total return less market change
    None where undefined: nothing recorded, or a division by zero.
    """

    start_ns: int | None
    end_ns: int | None
    starting_balance: Decimal | None
    final_balance: Decimal | None
    absolute_profit: Decimal | None
    returns: Returns
    drawdown: Drawdown | None
    trades: TradeFigures
    longs: TradeFigures
    shorts: TradeFigures
    days: DayFigures
    realised: Totals
    turnover: Decimal
    turnover_ratio: float | None
    exposure_share: float | None
    cost_share: float | None
    market_change: float | None
    excess: float | None


def measure(record: Record) -> Performance:
    """All figures of a record. Returns are those of equity, fees and open positions included."""
    points = sorted(record.equity, key=lambda point: point[0])
    return measured(record, points, drawdown(points))


def measured(record: Record, points: Sequence[Point], deepest: Drawdown | None) -> Performance:
    """As `measure`, where the drawdown is known: `points` in time order may have been thinned."""
    first, last = (points[0], points[-1]) if points else (None, None)
    over = closed(record.trades)
    growth = returns(points, deepest)
    realised = NOTHING
    for result in record.days:
        realised = add(realised, result)
    turnover = _turnover(record)
    market = _market_change(record)
    return Performance(
        start_ns=first[0] if first else None,
        end_ns=last[0] if last else None,
        starting_balance=first[1] if first else None,
        final_balance=last[1] if last else None,
        absolute_profit=last[1] - first[1] if first and last else None,
        returns=growth,
        drawdown=deepest,
        trades=trade_figures(over),
        longs=trade_figures([trade for trade in over if trade.side is Side.BUY]),
        shorts=trade_figures([trade for trade in over if trade.side is Side.SELL]),
        days=_day_figures(record.days, points),
        realised=realised,
        turnover=turnover,
        turnover_ratio=ratio(float(turnover), float(first[1])) if first else None,
        exposure_share=_exposure_share(record.trades, points),
        cost_share=_cost_share(realised),
        market_change=market,
        excess=None if market is None or growth.total is None else growth.total - market,
    )


def _day_figures(results: Sequence[DayResult], points: Sequence[Point]) -> DayFigures:
    nets: dict[int, Decimal] = {}
    if points:
        nets = dict.fromkeys(range(day_of(points[0][0]), day_of(points[-1][0]) + 1), ZERO)
    for result in results:
        if result.day != FOLDED_DAY:
            nets[result.day] = nets.get(result.day, ZERO) + result.net
    wins = sum(net > ZERO for net in nets.values())
    losses = sum(net < ZERO for net in nets.values())
    return DayFigures(
        days=len(nets),
        wins=wins,
        draws=len(nets) - wins - losses,
        losses=losses,
        best=max(nets.values(), default=None),
        worst=min(nets.values(), default=None),
    )


def _turnover(record: Record) -> Decimal:
    return sum(
        (
            (trade.entry_quantity * trade.entry_price + trade.exit_quantity * trade.exit_price)
            * record.quote_rates.get(trade.instrument_id, ONE)
            for trade in record.trades
        ),
        ZERO,
    )


def _exposure_share(trades: Sequence[Trade], points: Sequence[Point]) -> float | None:
    if not points or points[-1][0] == points[0][0]:
        return None
    start_ns, end_ns = points[0][0], points[-1][0]
    return exposed_ns(trades, start_ns, end_ns) / (end_ns - start_ns)


def _cost_share(realised: Totals) -> float | None:
    return ratio(float(realised.costs), float(realised.gross)) if realised.gross > ZERO else None


def _market_change(record: Record) -> float | None:
    changes = [last / first - 1 for first, last in record.market.values() if first > 0]
    return math.fsum(changes) / len(changes) if changes else None
